// Operations on sample_columns shared by head, blocks, compactor and readers: append, merge,
// removal of time ranges. Pure functions, any thread.
#pragma once

#include "storage/querier.h"

#include <span>
#include <string>
#include <vector>

namespace troupe::storage {

/// Number of samples.
inline size_t column_size(const sample_columns& c) {
  return c.ts.size() + c.histograms.size();
}
inline bool is_empty(const sample_columns& c) {
  return c.ts.empty() && c.histograms.empty();
}
/// First and last timestamp; only for columns that are not empty.
timestamp_ms first_ts(const sample_columns& c);
timestamp_ms last_ts(const sample_columns& c);

/// Appends one float; keeps start_ts empty until a start timestamp is known, then as long as ts.
void append_float(sample_columns& out, timestamp_ms ts, double value,
                  timestamp_ms start_ts = no_start_timestamp);

/// Appends the floats of `in`.
void append_floats(sample_columns& out, const sample_columns& in);

/// Merges inputs, each sorted by time, into `out` (replaced), timestamps unique over floats and
/// histograms together. Of several samples at one timestamp the winner does not depend on the order
/// of inputs: histogram over float, then the total order of loses_against (floats) or the greater
/// encoded bytes (histograms), then the later start timestamp. Returns how many samples lost.
struct merge_counts {
  uint64_t duplicates = 0;  ///< same timestamp and value
  uint64_t conflicts = 0;   ///< same timestamp, other value
};
merge_counts merge_columns(std::span<const sample_columns> inputs, sample_columns& out);

using troupe::loses_against;
/// True if `a` loses against `b` at one timestamp: by encoded bytes. Equal: false.
bool loses_against(const histogram& a, const histogram& b);

/// Closed interval of deleted time.
struct time_interval {
  timestamp_ms min = 0;
  timestamp_ms max = 0;
  bool operator==(const time_interval&) const = default;
};
/// Sorted, disjoint, not adjacent.
using time_intervals = std::vector<time_interval>;
/// Adds [min, max] and restores the invariant.
void add_interval(time_intervals& intervals, time_interval added);
bool contains(const time_intervals& intervals, timestamp_ms ts);
/// Drops the samples of `columns` from index `from_float` and `from_histogram` on that lie in
/// `intervals`.
void remove_intervals(const time_intervals& intervals, sample_columns& columns,
                      size_t from_float = 0, size_t from_histogram = 0);

}  // namespace troupe::storage
