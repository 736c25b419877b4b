// Samples as OpenMetrics 1.0 text, a line each, behind the last `# EOF`. What the format cannot
// carry is left out and counted. One owner.
#pragma once

#include "storage/querier.h"

#include <cstdint>
#include <span>
#include <string>

namespace troupe::transfer {

class openmetrics_writer {
 public:
  /// `composite`: native histograms are written too, as OpenMetrics 2.0 proposes, which readers of
  /// 1.0 do not understand (README.md).
  explicit openmetrics_writer(bool composite) : composite_(composite) {}

  /// Appends the lines of a series to `out`, in time order. `exemplars` (by time) go to the first
  /// sample that is not older.
  void add(std::string& out, const labels& series, const storage::sample_columns& samples,
           std::span<const exemplar> exemplars);
  static void finish(std::string& out) { out += "# EOF\n"; }

  uint64_t samples() const { return samples_; }
  uint64_t stale_markers() const { return stale_markers_; }  ///< left out
  uint64_t histograms() const { return histograms_; }        ///< left out

 private:
  const bool composite_;
  uint64_t samples_ = 0, stale_markers_ = 0, histograms_ = 0;
  std::string name_;  ///< kept for its memory
};

/// Milliseconds as seconds with three decimals; a fourth where a reader that multiplies by 1000 and
/// cuts would otherwise get a millisecond less.
void append_seconds(std::string& out, timestamp_ms ts);
/// `{count:3,sum:1.5,schema:0,…}`, buckets as absolute counts.
void append_histogram(std::string& out, const histogram& h);

}  // namespace troupe::transfer
