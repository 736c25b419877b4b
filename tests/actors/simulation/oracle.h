// The reference a simulated node is checked against: every sample that was offered, whether it was
// acknowledged, and which value must win. Independent of the product's storage.
#pragma once

#include "storage/model/batch.h"

#include <boost/container/small_vector.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::simulation {

struct point {
  timestamp_ms ts;
  double value;
};

class oracle {
 public:
  void offered(const write_batch& b);
  /// All samples of the batch must be there from now on.
  void acknowledged(const write_batch& b);
  /// The samples of the series in [mint, maxt] must be gone.
  void deleted(std::string_view series, timestamp_ms mint, timestamp_ms maxt);
  /// The outcome of something done to the series is unknown: it is not checked any more.
  void forget(std::string_view series);
  /// From now on missing samples are counted instead of being errors (a damaged WAL).
  void tolerate_loss() { tolerant_ = true; }
  uint64_t tolerated() const { return tolerated_; }

  /// Compares what a range selector gave for (mint, maxt] with what must and may be there. Stale
  /// markers are invisible to selectors. Returns "" or what is wrong.
  std::string check(std::string_view series, timestamp_ms mint, timestamp_ms maxt,
                    const std::vector<point>& got);
  /// The same for a log of writes, in which a sample may be more than once, and values that do not
  /// win: bit for bit. `got` is sorted by time.
  std::string check_log(std::string_view series, const std::vector<point>& got);
  /// All series whose text starts with `prefix` that must have a visible sample in (mint, maxt].
  std::vector<std::string> expected_series(std::string_view prefix, timestamp_ms mint,
                                           timestamp_ms maxt) const;
  /// Number of samples a selector must give, or -1 if that depends on unacknowledged ones.
  int64_t certain_count(std::string_view series, timestamp_ms mint, timestamp_ms maxt) const;
  uint64_t samples() const { return samples_; }

 private:
  struct candidate {
    uint64_t bits;
    bool acked;
  };
  using candidates = boost::container::small_vector<candidate, 2>;
  struct instant {
    timestamp_ms ts;
    candidates values;
  };
  struct history {
    std::string text;
    std::vector<instant> at;  ///< by time
    bool ignored = false;

    /// The first instant at `ts` or later.
    std::vector<instant>::iterator from(timestamp_ms ts);
    std::vector<instant>::const_iterator after(timestamp_ms ts) const;
    candidates& values_at(timestamp_ms ts);
  };
  struct verdict {
    bool must_exist = false;
    uint64_t least = 0;  ///< the greatest acknowledged value
  };
  history& of(const labels& l);
  static verdict judge(const candidates& cs);

  std::unordered_map<uint64_t, size_t> by_hash_;
  std::vector<history> all_;
  std::unordered_map<std::string, size_t> by_text_;
  bool tolerant_ = false;
  uint64_t tolerated_ = 0;
  uint64_t samples_ = 0;
};

}  // namespace troupe::simulation
