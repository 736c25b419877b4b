// Which samples of a batch are refused, and why: their time, a series limit, or a repetition inside
// the batch. Plain functions over one batch, no state.
#pragma once

#include "storage/appender.h"
#include "storage/head/budget_ledger.h"
#include "storage/head/table_cache.h"
#include "storage/model/batch.h"

#include <cstdint>
#include <vector>

namespace troupe::storage {

/// Samples outside [oldest, newest] are refused.
struct time_bounds {
  timestamp_ms oldest = min_time;
  timestamp_ms newest = max_time;
};

/// Which series may be new.
struct growth_limits {
  uint64_t new_series_left = UINT64_MAX;  ///< UINT64_MAX: no bound
  budget_ledger* budgets = nullptr;       ///< null: none are in force

  bool any() const { return new_series_left != UINT64_MAX || budgets != nullptr; }
};

/// Positions to leave out of the log and the head, ascending.
struct refusals {
  std::vector<uint32_t> floats, histograms, exemplars;
  /// Samples that repeat series and timestamp of an earlier one in the batch: the first wins, as in
  /// a scrape body. They count as accepted.
  uint64_t repeated_equal = 0, repeated_different = 0;
  uint64_t new_series = 0;  ///< let in under the limit
  bool everything(const write_batch& batch) const {
    return floats.size() == batch.floats.size() && histograms.size() == batch.histograms.size() &&
           exemplars.size() == batch.exemplars.size();
  }
};

/// Checks times and repetitions, and that the batch makes no more new series than the limits allow
/// (`refs` tells the known ones).
refusals admit(const write_batch& batch, const table_refs& refs, const time_bounds& bounds,
               const growth_limits& limits, append_report& report);

/// The batch itself, or a copy in which every exemplar that is not refused has a time: without one
/// of its own it takes that of its series' last sample.
batch_ptr with_exemplar_times(const batch_ptr& batch, const refusals& refused);

}  // namespace troupe::storage
