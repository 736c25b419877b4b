// What of a source a data folder does not have yet. Pure functions over series sets.
#pragma once

#include "storage/querier.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace troupe::storage {

/// Which series and times are wanted.
struct sample_filter {
  std::vector<matchers> selectors;  ///< any of them; empty: all series
  timestamp_ms mint = min_time;
  timestamp_ms maxt = max_time;
  bool wants(const labels& series) const;
};

struct new_sample_counts {
  uint64_t series = 0;      ///< with a sample in the filter's time, counted per read
  uint64_t read = 0;        ///< samples the source gave
  uint64_t histograms = 0;  ///< of these
  uint64_t known = 0;       ///< of these, not new: there, or there is one that wins
};

/// The samples of `source` that `filter` wants and that are not in `existing` (may be null): of two
/// at one time the same wins as in merge_columns. `counts` and `on_progress(samples read)` must
/// live as long; each series is read once.
std::unique_ptr<series_set> new_samples(std::unique_ptr<series_set> source,
                                        std::unique_ptr<series_set> existing,
                                        const sample_filter& filter, new_sample_counts& counts,
                                        const std::function<void(uint64_t)>& on_progress);

/// Drops from `incoming` what `existing` has or beats. Whether a histogram's hint is "unknown" or
/// "not reset" makes no difference.
void drop_known(const sample_columns& existing, sample_columns& incoming);

}  // namespace troupe::storage
