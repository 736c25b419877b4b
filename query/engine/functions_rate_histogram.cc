#include "query/engine/functions.h"
#include "query/engine/histogram_math.h"

#include <algorithm>
#include <optional>

namespace troupe::query {
namespace {

using row = storage::sample_columns::histogram_row;
using enum counter_reset_hint;

timestamp_ms start_of(const range_input& in, const row& r) {
  return in.histogram_start_ts ? r.start_ts : no_start_timestamp;
}

bool reset_between(const range_input& in, const row& prev, const row& curr) {
  return start_time_reset(start_of(in, prev), prev.ts, start_of(in, curr), curr.ts) ||
         detect_reset(*curr.value, *prev.value);
}

bool combine(const range_input& in, wide_histogram& into, const histogram& h, bool sub) {
  const combine_result r = sub ? into.sub(h) : into.add(h);
  if (!r.compatible) {
    in.notes.warn(note::mixed_exponential_custom(in.metric_name), in.pos);
    return false;
  }
  if (r.reconciled)
    in.notes.info(note::mismatched_custom_buckets(sub ? "subtraction" : "addition"), in.pos);
  return true;
}

// The increase over a window of at least two histograms, resets accounted for.
std::optional<wide_histogram> increase_of(const range_input& in, std::span<const row> points,
                                          bool counter) {
  const histogram& first = *points.front().value;
  const histogram& last = *points.back().value;
  if (counter && (first.hint == gauge || last.hint == gauge))
    in.notes.warn(note::histogram_not_counter(in.metric_name), in.pos);
  // After a reset the first sample is of no interest, not even its layout.
  const bool ignore_first = counter && reset_between(in, points[0], points[1]);
  const bool custom = uses_custom_buckets(ignore_first ? *points[1].value : first);
  if (uses_custom_buckets(last) != custom) {
    in.notes.warn(note::mixed_exponential_custom(in.metric_name), in.pos);
    return std::nullopt;
  }
  int32_t schema = std::min(last.schema, ignore_first ? points[1].value->schema : first.schema);
  for (const row& p : points.subspan(1, points.size() - 2)) {
    if (!counter)
      break;
    if (p.value->hint == gauge)
      in.notes.warn(note::histogram_not_counter(in.metric_name), in.pos);
    schema = std::min(schema, p.value->schema);
    if (uses_custom_buckets(*p.value) != custom) {
      in.notes.warn(note::mixed_exponential_custom(in.metric_name), in.pos);
      return std::nullopt;
    }
  }
  wide_histogram result(last);
  if (!custom)
    result.reduce_to(schema);
  if (!ignore_first && !combine(in, result, first, true))
    return std::nullopt;
  if (counter) {
    for (size_t i = 1; i < points.size(); ++i) {
      if (start_time_overlap(start_of(in, points[i - 1]), points[i - 1].ts,
                             start_of(in, points[i])))
        in.notes.warn(note::start_time_overlap(in.metric_name), in.pos);
      if ((i > 1 || !ignore_first) && reset_between(in, points[i - 1], points[i]) &&
          !combine(in, result, *points[i - 1].value, false))
        return std::nullopt;
    }
  } else if (first.hint != gauge || last.hint != gauge) {
    in.notes.warn(note::histogram_not_gauge(in.metric_name), in.pos);
  }
  result.set_hint(gauge);
  return result;
}

}  // namespace

void histogram_rate(const range_input& in, uint32_t step, bool counter, bool per_second,
                    step_scratch& out) {
  const auto points = in.histograms.subspan(in.hlo[step], in.hhi[step] - in.hlo[step]);
  const row& first = points.front();
  std::optional<wide_histogram> result;
  if (points.size() > 1) {
    result = increase_of(in, points, counter);
    if (!result)
      return;
  }
  const extrapolation e =
      extrapolate(in, step, first.ts, points.back().ts, points.size(), counter, per_second,
                  counter ? start_of(in, first) : no_start_timestamp, first.value->count,
                  result ? result->count() : 0);
  if (!e.possible)
    return;
  if (e.from_start_time) {
    if (!result)
      result.emplace(*first.value);
    else if (!combine(in, *result, *first.value, false))
      return;
  }
  result->mul(e.factor);
  out.set(step, result->build());
}

histogram_ptr interpolate(timestamp_ms t1, const histogram& h1, timestamp_ms t2,
                          const histogram& h2, timestamp_ms t, bool counter, position_range pos,
                          annotations& notes) {
  if (t == t1)
    return std::make_shared<const histogram>(h1);
  if (t == t2)
    return std::make_shared<const histogram>(h2);
  const double fraction = static_cast<double>(t - t1) / static_cast<double>(t2 - t1);
  if (counter && detect_reset(h2, h1))
    return scaled(h2, fraction);
  wide_histogram result(h2);
  combine_result r = result.sub(h1);
  if (!r.compatible)
    return nullptr;
  if (r.reconciled)
    notes.info(note::mismatched_custom_buckets("subtraction"), pos);
  result.mul(fraction);
  r = result.add(h1);
  if (r.reconciled)
    notes.info(note::mismatched_custom_buckets("addition"), pos);
  return result.build();
}

namespace {

bool valid_window(const range_input& in, std::span<const row> points, bool counter) {
  const bool custom = uses_custom_buckets(*points.front().value);
  for (const row& p : points) {
    if (uses_custom_buckets(*p.value) != custom) {
      in.notes.warn(note::mixed_exponential_custom(in.metric_name), in.pos);
      return false;
    }
    if (counter && p.value->hint == gauge)
      in.notes.warn(note::histogram_not_counter(in.metric_name), in.pos);
  }
  return true;
}

// What resets between the two ends of an extended window took away. `first` and `last` are the
// samples the ends were made of.
std::optional<wide_histogram> extended_correction(const range_input& in, uint32_t first,
                                                  uint32_t last, const histogram& left,
                                                  const histogram& right, timestamp_ms from,
                                                  bool& failed) {
  std::optional<wide_histogram> correction;
  const auto& rows = in.histograms;
  uint32_t i = first + 1;
  const histogram* prev = &left;
  if (in.smoothed && rows[first].ts < from &&
      detect_reset(*rows[first + 1].value, *rows[first].value)) {
    // The interpolated left end has this reset in it.
    prev = rows[first + 1].value.get();
    ++i;
  }
  // The last sample is left out: the right end stands for it, with the same reset hint.
  if (i > last)
    return correction;
  const auto add = [&](const histogram& h) {
    if (!correction)
      correction.emplace(h);
    else if (!combine(in, *correction, h, false))
      failed = true;
  };
  for (; i < last && !failed; ++i) {
    if (detect_reset(*rows[i].value, *prev))
      add(*prev);
    prev = rows[i].value.get();
  }
  if (!failed && detect_reset(right, *prev))
    add(*prev);
  return correction;
}

}  // namespace

void extended_histogram_rate(const range_input& in, uint32_t step, bool counter, bool per_second,
                             step_scratch& out) {
  const timestamp_ms from = in.range_start(step);
  const timestamp_ms to = in.refs[step];
  const auto& rows = in.histograms;
  const uint32_t lo = in.hlo[step];
  uint32_t last = in.hhi[step] - 1;
  const auto by_ts = [](const row& r, timestamp_ms t) { return r.ts < t; };
  const auto after = static_cast<uint32_t>(
      std::lower_bound(rows.begin() + lo, rows.begin() + last, from + 1, by_ts) - rows.begin());
  const uint32_t first = after > lo ? after - 1 : lo;
  if (in.smoothed)
    last = static_cast<uint32_t>(
        std::lower_bound(rows.begin() + lo, rows.begin() + last, to, by_ts) - rows.begin());
  if (rows[last].ts <= from || (in.smoothed && rows[first].ts > to) ||
      !valid_window(in, rows.subspan(first, last - first + 1), counter))
    return;
  const auto between = [&](uint32_t i, timestamp_ms t) {
    return interpolate(rows[i].ts, *rows[i].value, rows[i + 1].ts, *rows[i + 1].value, t, counter,
                       in.pos, in.notes);
  };
  const histogram_ptr left =
      in.smoothed && rows[first].ts < from ? between(first, from) : rows[first].value;
  const histogram_ptr right =
      in.smoothed && last > lo && rows[last].ts > to ? between(last - 1, to) : rows[last].value;
  if (!left || !right) {
    in.notes.warn(note::mixed_exponential_custom(in.metric_name), in.pos);
    return;
  }
  if (!counter && (left->hint != gauge || right->hint != gauge))
    in.notes.warn(note::histogram_not_gauge(in.metric_name), in.pos);
  wide_histogram result(*right);
  if (!combine(in, result, *left, true))
    return;
  if (counter) {
    bool failed = false;
    const auto correction = extended_correction(in, first, last, *left, *right, from, failed);
    if (failed || (correction && !combine(in, result, *correction->build(), false)))
      return;
  }
  if (per_second)
    result.div(in.range_seconds());
  result.set_hint(gauge);
  out.set(step, result.build());
}

}  // namespace troupe::query
