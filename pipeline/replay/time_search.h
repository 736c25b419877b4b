// The first record of a partition at or behind a time, found with a few of its records: the times
// of records rise in a partition. Plain value.
#pragma once

#include "storage/model/sample.h"

#include <algorithm>
#include <cstdint>

namespace troupe::replay {

class time_search {
 public:
  time_search() = default;
  /// In offsets [first, end).
  time_search(timestamp_ms wanted, int64_t first, int64_t end)
      : wanted_(wanted), low_(first), high_(end) {}

  bool done() const { return low_ >= high_; }
  /// The record to look at next: this one, or the first behind it that there is.
  int64_t probe() const { return low_ + (high_ - low_) / 2; }
  /// What was there.
  void found(int64_t offset, timestamp_ms ts) {
    if (ts >= wanted_ || offset >= high_)
      high_ = probe();
    else
      low_ = offset + 1;
  }
  /// There is no record from the probe on.
  void found_nothing() { high_ = probe(); }
  /// Records before `first` are gone.
  void cut(int64_t first) { low_ = std::max(low_, first); }
  /// The offset, or the end; when done.
  int64_t answer() const { return low_; }

 private:
  timestamp_ms wanted_ = 0;
  int64_t low_ = 0, high_ = 0;  ///< those before are too old, those from here on are not
};

}  // namespace troupe::replay
