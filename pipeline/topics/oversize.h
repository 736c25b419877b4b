// What a topic has refused as too large: its entries come again in smaller records, and one that is
// too large alone is left out. Outlives sessions. One owner.
#pragma once

#include "pipeline/send/cursor.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <utility>

namespace troupe::topics {

/// Entries of one stream, one behind the other. `entry` of both places counts within its frame.
struct entry_range {
  uint16_t slot = 0;
  send::place first, last;
  uint32_t entries = 0;
};

class oversize {
 public:
  explicit oversize(size_t record_bytes) : most_bytes_(record_bytes), bytes_(record_bytes) {}

  /// A record of `bytes` with these entries was refused. True: it is a single one, which is left
  /// out from now on.
  bool refused(size_t bytes, std::span<const entry_range> entries);
  /// A record of `bytes` is in the topic.
  void accepted(size_t bytes) { accepted_bytes_ = std::max(accepted_bytes_, bytes); }
  /// One of that size was taken before.
  bool is_acceptable(size_t bytes) const { return bytes <= accepted_bytes_; }
  /// About how large records are made.
  size_t record_bytes() const { return bytes_; }
  /// Time has passed: larger ones are tried.
  void relax() { bytes_ = std::min(2 * bytes_, most_bytes_); }

  /// Nothing is known of entries of this stream.
  bool is_clear(uint16_t slot) const { return !streams_.contains(slot); }
  bool is_left_out(uint16_t slot, const send::place& at) const;
  /// An entry that may be with so many others in a record, which holds nothing else; 0: with any.
  uint32_t most_together(uint16_t slot, const send::place& at) const;
  /// The stream's place moved.
  void passed(uint16_t slot, const send::place& next);

 private:
  struct stream {
    send::place first, last;
    uint32_t most = 0;
    std::set<send::place> left_out;
  };
  static constexpr size_t least_bytes = 1 << 10;

  const size_t most_bytes_;
  size_t bytes_;
  size_t accepted_bytes_ = 0;  ///< of the largest record that was taken
  std::map<uint16_t, stream> streams_;
};

}  // namespace troupe::topics
