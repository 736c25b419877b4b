// The first record of a partition at or behind a time, found with a few of its records. Their times
// rise, but for what a writer had queued while it could not reach the brokers: such records may lie
// behind those of others that are much younger. Plain value.
#pragma once

#include "storage/model/sample.h"

#include <algorithm>
#include <cstdint>

namespace troupe::replay {

class time_search {
 public:
  enum class care : uint8_t {
    guess,  ///< as if times rose
    look,   ///< looks back from what it found, further each time, for younger records before
  };

  time_search() = default;
  /// In offsets [first, end).
  time_search(timestamp_ms wanted, int64_t first, int64_t end, care how)
      : wanted_(wanted), first_(first), low_(first), high_(end), how_(how) {}

  bool done() const {
    return low_ >= high_ && (how_ == care::guess || low_ - back_ < first_ || back_ <= 0);
  }
  /// The record to look at next: this one, or the first behind it that there is.
  int64_t probe() const { return low_ < high_ ? low_ + (high_ - low_) / 2 : low_ - back_; }
  /// What was there.
  void found(int64_t offset, timestamp_ms ts) {
    const bool known = offset >= high_;
    if (low_ >= high_) {
      if (known || ts < wanted_) {
        back_ *= 2;
        return;
      }
      high_ = probe();
      low_ = first_;
      back_ = 1;
    } else if (known || ts >= wanted_) {
      high_ = probe();
    } else {
      low_ = offset + 1;
    }
  }
  /// There is no record from the probe on.
  void found_nothing() { found(high_, wanted_); }
  /// Records before `first` are gone.
  void cut(int64_t first) {
    first_ = std::max(first_, first);
    low_ = std::max(low_, first);
    high_ = std::max(high_, low_);
  }
  /// The offset, or the end; when done.
  int64_t answer() const { return low_; }

 private:
  timestamp_ms wanted_ = 0;
  int64_t first_ = 0;
  int64_t low_ = 0, high_ = 0;  ///< those before are too old, those from here on are not
  int64_t back_ = 1;            ///< how far before the answer it looks next
  care how_ = care::guess;
};

}  // namespace troupe::replay
