// The series that a drill writes: sample n of each has the value n and the time begin + (n - 1) *
// spacing, so that every sample tells by itself whether it is right. Immutable.
#pragma once

#include "pipeline/client/api_answer.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::drill {

/// What became of the acknowledged samples at one node.
struct audit_result {
  uint64_t expected = 0;
  uint64_t missing = 0;
  uint64_t different = 0;  ///< another value, or at a time at which none was written
  uint64_t doubled = 0;    ///< under other labels, too

  bool is_clean() const { return missing + different + doubled == 0; }
};

class audit_series {
 public:
  static constexpr std::string_view name = "troupe_drill";

  audit_series(std::string id, uint32_t count, int64_t spacing_ms, timestamp_ms begin);

  uint32_t count() const { return count_; }
  timestamp_ms time_of(uint64_t n) const {
    return begin_ + static_cast<int64_t>(n - 1) * spacing_ms_;
  }
  /// The number of the last sample whose time has come; 0: none.
  uint64_t due(timestamp_ms now) const;
  /// Samples `first` to `last` of all series, as a compressed body of remote write 1.0.
  std::string body(uint64_t first, uint64_t last) const;
  /// `troupe_drill{drill="…"}`
  std::string selector() const;
  /// Of one of them.
  std::string selector(uint32_t series) const;
  /// Which one it is; count() for none of them.
  uint32_t number_of(const labels& l) const;
  /// What a node has, beside samples 1 to `acknowledged` of each series; those up to `sent` may be
  /// there, too.
  audit_result compare(const std::vector<client::stored_series>& got, uint64_t acknowledged,
                       uint64_t sent) const;

 private:
  const std::string id_;
  const uint32_t count_;
  const int64_t spacing_ms_;
  const timestamp_ms begin_;
  std::vector<std::string> encoded_;  ///< labels
};

}  // namespace troupe::drill
