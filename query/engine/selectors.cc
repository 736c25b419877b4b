#include "query/engine/evaluator.h"
#include "query/engine/functions.h"
#include "query/engine/histogram_math.h"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe::query {
namespace {

using columns = storage::sample_columns;

uint64_t weigh(const columns& c) {
  uint64_t samples = c.ts.size();
  for (const auto& row : c.histograms)
    samples += sample_weight(*row.value);
  return samples;
}

// Where only figures of histograms are looked at, Prometheus tells resets sample by sample, and so
// sees more of them than the storage notes.
void detect_resets(columns& c) {
  using enum counter_reset_hint;
  histogram_ptr before;
  for (auto& row : c.histograms) {
    if (row.value->is_stale())
      continue;
    const histogram_ptr original = row.value;
    if (original->hint == unknown && before) {
      auto copy = std::make_shared<histogram>(*original);
      copy->hint = detect_reset(*original, *before) ? reset : not_reset;
      row.value = std::move(copy);
    }
    before = original;
  }
}

// The samples of a run that first, last, least and greatest of a window can be, in the place of
// all.
void put_summary(const storage::sample_summary& run, columns& c) {
  const auto at = std::lower_bound(c.ts.begin(), c.ts.end(), run.first_ts) - c.ts.begin();
  const std::array ts{run.first_ts, run.first_ts + 1, run.first_ts + 2, run.last_ts};
  const std::array values{run.first, run.min, run.max, run.last};
  c.ts.insert(c.ts.begin() + at, ts.begin(), ts.end());
  c.values.insert(c.values.begin() + at, values.begin(), values.end());
  if (!c.start_ts.empty())
    c.start_ts.insert(c.start_ts.begin() + at, ts.size(), no_start_timestamp);
}

// As read(), with summaries in the place of runs; how many samples they stand for beyond their own.
result<uint64_t> read_reduced(storage::series_set& set, timestamp_ms min, timestamp_ms max,
                              columns& c) {
  std::vector<storage::sample_summary> runs;
  TROUPE_TRY(set.read_summarized(min, max, c, runs));
  uint64_t left_out = 0;
  for (const auto& run : runs) {
    put_summary(run, c);
    left_out += run.count - 4;
  }
  return left_out;
}

// Finds the newest sample at or before rising reference times.
class lookback_cursor {
 public:
  lookback_cursor(const columns& c, int64_t lookback_ms) : c_(c), lookback_(lookback_ms) {}

  // Moves to `ref`. True if a sample younger than the lookback was found that is no stale marker.
  bool seek(timestamp_ms ref) {
    while (f_ < c_.ts.size() && c_.ts[f_] <= ref)
      ++f_;
    while (h_ < c_.histograms.size() && c_.histograms[h_].ts <= ref)
      ++h_;
    is_histogram_ = h_ > 0 && (f_ == 0 || c_.histograms[h_ - 1].ts > c_.ts[f_ - 1]);
    if (!is_histogram_ && f_ == 0)
      return false;
    if (ts() <= saturating_sub(ref, lookback_))
      return false;
    return is_histogram_ ? !c_.histograms[h_ - 1].value->is_stale() : !is_stale(c_.values[f_ - 1]);
  }
  bool is_histogram() const { return is_histogram_; }
  timestamp_ms ts() const { return is_histogram_ ? c_.histograms[h_ - 1].ts : c_.ts[f_ - 1]; }
  double value() const { return c_.values[f_ - 1]; }
  const histogram_ptr& value_histogram() const { return c_.histograms[h_ - 1].value; }
  timestamp_ms start_ts() const {
    if (is_histogram_)
      return c_.histograms[h_ - 1].start_ts;
    return c_.start_ts.empty() ? no_start_timestamp : c_.start_ts[f_ - 1];
  }

 private:
  const columns& c_;
  int64_t lookback_;
  size_t f_ = 0;
  size_t h_ = 0;
  bool is_histogram_ = false;
};

}  // namespace

std::vector<timestamp_ms> evaluator::reference_times(const time_shift& shift) const {
  const auto pinned = pinned_time(shift, state_.times);
  std::vector<timestamp_ms> refs(grid_.count);
  for (uint32_t i = 0; i < grid_.count; ++i)
    refs[i] = saturating_sub(pinned ? *pinned : grid_.at(i), shift.offset_ms);
  return refs;
}

void evaluator::count_samples(uint32_t step, uint64_t samples) {
  state_.stats.total_queryable_samples += samples * times_used_;
  auto& per_step = state_.samples_per_step;
  if (per_step.empty() || times_used_ == 0)
    return;
  if (times_used_ == 1 && step < per_step.size())
    per_step[step] += samples;
  else
    for (uint64_t& n : per_step)
      n += samples;
}

status evaluator::for_each_series(const series_request& request, const series_reader& each) {
  storage::select_hints hints;
  hints.start = request.min;
  hints.end = request.max;
  hints.step_ms = grid_.step;
  hints.range_ms = request.range_ms;
  hints.function = request.function;
  TROUPE_ASSIGN(const auto set, state_.source.select(hints, request.match));
  columns c;
  while (set->next()) {
    TROUPE_TRY(state_.limits.check());
    c.clear();
    if (request.left_out != nullptr) {
      TROUPE_ASSIGN(*request.left_out, read_reduced(*set, request.min, request.max, c));
    } else {
      TROUPE_TRY(set->read(request.min, request.max, c));
    }
    if (c.ts.empty() && c.histograms.empty())
      continue;
    const uint64_t samples = weigh(c);
    state_.stats.samples_read += samples;
    held raw(state_.limits);
    TROUPE_TRY(raw.add(0, samples * 16));
    if (request.detect_resets)
      detect_resets(c);
    TROUPE_TRY(each(set->series(), c));
  }
  return set->error();
}

result<step_vector> evaluator::select(const vector_selector& s, select_what what) {
  const std::vector<timestamp_ms> refs = reference_times(s.shift);
  return select({.match = s.match, .detect_resets = state_.figures.contains(s)}, refs, what);
}

result<step_vector> evaluator::select(series_request request, std::span<const timestamp_ms> refs,
                                      select_what what) {
  step_vector out(state_.limits);
  step_scratch scratch;
  request.min = saturating_sub(refs.front(), state_.lookback_ms - 1);
  request.max = refs.back();
  const auto each = [&](const labels& metric, columns& c) -> status {
    scratch.reset(grid_.count);
    lookback_cursor cursor(c, state_.lookback_ms);
    for (uint32_t i = 0; i < grid_.count; ++i) {
      if (!cursor.seek(refs[i]))
        continue;
      if (what == select_what::value) {
        if (cursor.is_histogram())
          scratch.set(i, cursor.value_histogram());
        else
          scratch.set(i, cursor.value());
      } else if (what == select_what::timestamp) {
        scratch.set(i, static_cast<double>(cursor.ts()) / 1000);
      } else if (what == select_what::start_timestamp) {
        scratch.set(i, static_cast<double>(cursor.start_ts()) / 1000);
      } else {
        if (cursor.is_histogram())
          return {errc::execution,
                  "this should be an info metric, with float samples: " + metric.to_string()};
        scratch.set(i, static_cast<double>(cursor.ts()));
      }
      count_samples(i, cursor.is_histogram() ? sample_weight(*cursor.value_histogram()) : 1);
    }
    return out.push(metric, false, scratch);
  };
  TROUPE_TRY(for_each_series(request, each));
  return out;
}

result<step_vector> evaluator::select_smoothed(const vector_selector& s) {
  const std::vector<timestamp_ms> refs = reference_times(s.shift);
  const int64_t lookback = state_.lookback_ms;
  step_vector out(state_.limits);
  step_scratch scratch;
  const auto each = [&](const labels& metric, columns& c) -> status {
    scratch.reset(grid_.count);
    drop_stale(c);
    for (uint32_t i = 0; i < grid_.count; ++i)
      smooth_at(c, refs[i], lookback, metric.metric_name(), s.pos, state_.notes, i, scratch);
    for (uint32_t i = 0; i < grid_.count; ++i)
      if (scratch.has(i))
        count_samples(i, 1);
    return out.push(metric, false, scratch);
  };
  TROUPE_TRY(for_each_series({.match = s.match,
                              .min = saturating_sub(refs.front(), lookback - 1),
                              .max = saturating_add(refs.back(), lookback)},
                             each));
  return out;
}

}  // namespace troupe::query
