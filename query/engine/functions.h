// The functions of PromQL that are tables of plain computations, by name. The others are members of
// evaluator. Pure functions.
#pragma once

#include "query/engine/analysis.h"
#include "query/engine/annotations.h"
#include "query/engine/step_vector.h"
#include "storage/model/histogram.h"
#include "storage/querier.h"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace troupe::query {

struct moment;

/// abs, ceil, sin and so on: float to float. Null if `name` is none of them.
double (*find_float_function(std::string_view name))(double);
/// year, hour and so on: of a moment in UTC.
double (*find_date_function(std::string_view name))(moment);
/// histogram_count, histogram_sum and so on: native histogram to float.
double (*find_histogram_function(std::string_view name))(const histogram&);

/// scalar(): the only float of each step, else NaN.
std::vector<double> scalar_of(const step_vector& v, uint32_t steps);

/// Removes stale markers.
void drop_stale(storage::sample_columns& c);

/// One series under a range function, with the window of every step: the samples [lo, hi) of ts and
/// values, [hlo, hhi) of histograms. Stale markers are gone; windows move forward only.
struct range_input {
  const step_grid& grid;
  std::span<const timestamp_ms> refs;  ///< end of the window at each step
  int64_t range_ms = 0;
  bool anchored = false;
  bool smoothed = false;
  std::span<const timestamp_ms> ts;
  std::span<const double> values;
  std::span<const timestamp_ms> start_ts;  ///< empty, or as long as ts
  std::span<const storage::sample_columns::histogram_row> histograms;
  bool histogram_start_ts = false;  ///< whether to look at those of `histograms`
  std::span<const uint32_t> lo, hi, hlo, hhi;
  std::span<const std::vector<double>> params;  ///< the scalar arguments, in order
  std::string_view metric_name;
  position_range pos;  ///< of the first argument
  annotations& notes;
  budget& limits;

  uint32_t steps() const { return static_cast<uint32_t>(refs.size()); }
  timestamp_ms range_start(uint32_t step) const { return saturating_sub(refs[step], range_ms); }
  double range_seconds() const { return static_cast<double>(range_ms) / 1000; }
};

/// Fills `out`, which is empty for all steps. Errors: execution, timeout, canceled.
using range_function = status (*)(const range_input& in, step_scratch& out);
/// Null if `name` is no function over a range.
range_function find_range_function(std::string_view name);

// The families of range functions, by file.
range_function find_rate_function(std::string_view name);       ///< functions_rate.cc
range_function find_over_time_function(std::string_view name);  ///< functions_over_time.cc
range_function find_trend_function(std::string_view name);      ///< functions_trend.cc
range_function find_changes_function(std::string_view name);    ///< functions_changes.cc

/// rate, increase and delta of windows of histograms (functions_rate_histogram.cc).
void histogram_rate(const range_input& in, uint32_t step, bool counter, bool per_second,
                    step_scratch& out);
void extended_histogram_rate(const range_input& in, uint32_t step, bool counter, bool per_second,
                             step_scratch& out);
/// sum_over_time and avg_over_time of windows of histograms (functions_over_time_histogram.cc).
void histogram_sum_over_time(const range_input& in, uint32_t step, step_scratch& out);
void histogram_avg_over_time(const range_input& in, uint32_t step, step_scratch& out);

/// Whether the counter was restarted between two samples, by their start times.
bool start_time_reset(timestamp_ms prev_start, timestamp_ms prev_ts, timestamp_ms start,
                      timestamp_ms ts);
/// Whether the start time lies before the previous sample without being the same start.
bool start_time_overlap(timestamp_ms prev_start, timestamp_ms prev_ts, timestamp_ms start);

/// How far a rate reaches beyond its samples, and the factor that follows from it.
struct extrapolation {
  bool possible = false;
  bool from_start_time = false;  ///< the first sample itself counts as increase, from its start on
  double factor = 1;
};
/// `first_value` and `increase` are of floats or of histogram counts; `first_start` is 0 if unknown
/// or not to be used.
extrapolation extrapolate(const range_input& in, uint32_t step, timestamp_ms first_ts,
                          timestamp_ms last_ts, size_t samples, bool counter, bool per_second,
                          timestamp_ms first_start, double first_value, double increase);

/// Between (t1, v1) and (t2, v2) at `t`; a counter that fell starts anew from 0.
double interpolate(timestamp_ms t1, double v1, timestamp_ms t2, double v2, timestamp_ms t,
                   bool counter);
histogram_ptr interpolate(timestamp_ms t1, const histogram& h1, timestamp_ms t2,
                          const histogram& h2, timestamp_ms t, bool counter, position_range pos,
                          annotations& notes);
/// Makes the samples of an anchored or smoothed range: those in (from, to) and one at each end.
void extend_ends(storage::sample_columns& c, timestamp_ms from, timestamp_ms to, bool smoothed,
                 std::string_view metric_name, position_range pos, annotations& notes);
/// The value of a smoothed instant selector at `ref`, from the samples around it.
void smooth_at(const storage::sample_columns& c, timestamp_ms ref, int64_t lookback_ms,
               std::string_view metric_name, position_range pos, annotations& notes, uint32_t step,
               step_scratch& out);

}  // namespace troupe::query
