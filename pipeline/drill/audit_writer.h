// Writes the audit series to the source as the time of its samples comes: in order, one request at
// a time, repeated until it is acknowledged. One owner.
#pragma once

#include "pipeline/drill/audit_series.h"
#include "pipeline/drill/traffic.h"
#include "storage/base/clock.h"
#include "storage/base/result.h"

#include <cstdint>
#include <vector>

namespace troupe::drill {

/// A node that does not answer for so long is gone.
inline constexpr int64_t gone_ns = 10'000'000'000;

class audit_writer {
 public:
  /// The first samples are due at once. All must outlive it.
  audit_writer(const audit_series& series, size_t node, traffic& over, const clock& clk);

  void turn();
  /// No sample that is not due yet is written any more.
  void stop();
  /// All that were begun are acknowledged.
  bool is_done() const { return stopped_ && acked_ == last_; }
  /// The source refuses them for good, or has not taken any for long.
  status error() const;

  const audit_series& series() const { return series_; }
  /// Samples 1 to this of every series are acknowledged.
  uint64_t acked() const { return acked_; }
  /// Later ones were never on their way.
  uint64_t sent() const { return sent_; }
  /// When sample `n` was acknowledged, n <= acked().
  int64_t acked_at_ns(uint64_t n) const { return acked_at_ns_[n - 1]; }

 private:
  void answered(uint64_t last, const reply& r);

  const audit_series& series_;
  const size_t node_;
  traffic& over_;
  const clock& clock_;
  bool under_way_ = false, stopped_ = false;
  uint64_t acked_ = 0, sent_ = 0;
  uint64_t last_ = 0;  ///< to be written, once stopped
  std::vector<int64_t> acked_at_ns_;
  int64_t next_try_ns_ = 0;
  int64_t failing_since_ns_ = 0;
  status refused_, failed_;
};

}  // namespace troupe::drill
