// rate, increase, delta, irate, idelta: floats; histograms are in functions_rate_histogram.cc.
#include "query/engine/functions.h"
#include "query/engine/histogram_math.h"

#include <algorithm>
#include <utility>

namespace troupe::query {
namespace {

bool reset_at(const range_input& in, uint32_t i) {
  if (in.values[i] < in.values[i - 1])
    return true;
  return !in.start_ts.empty() &&
         start_time_reset(in.start_ts[i - 1], in.ts[i - 1], in.start_ts[i], in.ts[i]);
}

void note_overlap(const range_input& in, uint32_t lo, uint32_t hi) {
  for (uint32_t i = lo + 1; i < hi; ++i) {
    if (start_time_overlap(in.start_ts[i - 1], in.ts[i - 1], in.start_ts[i])) {
      in.notes.warn(note::start_time_overlap(in.metric_name), in.pos);
      return;
    }
  }
}

// Anchored and smoothed: the ends of the range are picked or interpolated, nothing is extrapolated.
void extended_rate(const range_input& in, uint32_t step, bool counter, bool per_second,
                   step_scratch& out) {
  const timestamp_ms from = in.range_start(step);
  const timestamp_ms to = in.refs[step];
  const uint32_t lo = in.lo[step];
  uint32_t last = in.hi[step] - 1;
  const auto begin = in.ts.begin();
  const auto after =
      static_cast<uint32_t>(std::upper_bound(begin + lo, begin + last, from) - begin);
  uint32_t first = after > lo ? after - 1 : lo;
  if (in.smoothed)
    last = static_cast<uint32_t>(std::lower_bound(begin + lo, begin + last, to) - begin);
  if (in.ts[last] <= from || (in.smoothed && in.ts[first] > to))
    return;
  const auto between = [&](uint32_t i, timestamp_ms t) {
    return interpolate(in.ts[i], in.values[i], in.ts[i + 1], in.values[i + 1], t, counter);
  };
  const double left = in.smoothed && in.ts[first] < from ? between(first, from) : in.values[first];
  const double right =
      in.smoothed && last > lo && in.ts[last] > to ? between(last - 1, to) : in.values[last];
  double result = right - left;
  if (counter) {
    // The ends already account for resets beside them; what lies within is left.
    uint32_t i = in.ts[first] <= from ? first + 1 : first;
    const uint32_t end = in.ts[last] >= to ? last : last + 1;
    double prev = left;
    double correction = 0;
    for (; i < end; ++i) {
      if (in.values[i] < prev)
        correction += prev;
      prev = in.values[i];
    }
    if (right < prev)
      correction += prev;
    result += correction;
  }
  if (per_second)
    result /= in.range_seconds();
  out.set(step, result);
}

template <bool Counter, bool PerSecond>
status rate_function(const range_input& in, step_scratch& out) {
  const bool extended = in.anchored || in.smoothed;
  std::vector<uint32_t> resets;
  if (Counter && !extended)
    for (uint32_t i = 1; i < in.values.size(); ++i)
      if (reset_at(in, i))
        resets.push_back(i);
  size_t next_reset = 0;
  for (uint32_t step = 0; step < in.steps(); ++step) {
    const uint32_t lo = in.lo[step];
    const uint32_t hi = in.hi[step];
    const bool histograms = in.hlo[step] < in.hhi[step];
    if (lo == hi && !histograms)
      continue;
    TROUPE_TRY(in.limits.spend(1 + 32 * (in.hhi[step] - in.hlo[step])));
    if (lo < hi && histograms) {
      in.notes.warn(note::mixed_floats_histograms(in.metric_name), in.pos);
      continue;
    }
    if (histograms) {
      if (extended)
        extended_histogram_rate(in, step, Counter, PerSecond, out);
      else
        histogram_rate(in, step, Counter, PerSecond, out);
      continue;
    }
    if (extended) {
      extended_rate(in, step, Counter, PerSecond, out);
      continue;
    }
    double result = in.values[hi - 1] - in.values[lo];
    timestamp_ms first_start = no_start_timestamp;
    if constexpr (Counter) {
      while (next_reset < resets.size() && resets[next_reset] <= lo)
        ++next_reset;
      size_t r = next_reset;
      for (; r < resets.size() && resets[r] < hi; ++r)
        result += in.values[resets[r] - 1];
      TROUPE_TRY(in.limits.spend(r - next_reset));
      if (!in.start_ts.empty()) {
        note_overlap(in, lo, hi);
        first_start = in.start_ts[lo];
      }
    }
    const extrapolation e = extrapolate(in, step, in.ts[lo], in.ts[hi - 1], hi - lo, Counter,
                                        PerSecond, first_start, in.values[lo], result);
    if (!e.possible)
      continue;
    if (e.from_start_time)
      result += in.values[lo];
    out.set(step, result * e.factor);
  }
  return {};
}

// The last two samples of a window, of either kind.
struct last_sample {
  timestamp_ms ts = 0;
  timestamp_ms start_ts = 0;
  double value = 0;
  histogram_ptr histogram;
};

last_sample take_last(const range_input& in, uint32_t step, uint32_t& hi, uint32_t& hhi) {
  const bool float_left = hi > in.lo[step];
  const bool histogram_left = hhi > in.hlo[step];
  if (float_left && (!histogram_left || in.ts[hi - 1] > in.histograms[hhi - 1].ts)) {
    --hi;
    return {in.ts[hi], in.start_ts.empty() ? no_start_timestamp : in.start_ts[hi], in.values[hi],
            nullptr};
  }
  --hhi;
  const auto& row = in.histograms[hhi];
  return {row.ts, in.histogram_start_ts ? row.start_ts : no_start_timestamp, 0, row.value};
}

void instant_histograms(const range_input& in, uint32_t step, bool rate, const last_sample& prev,
                        const last_sample& last, step_scratch& out) {
  using enum counter_reset_hint;
  const counter_reset_hint a = prev.histogram->hint;
  const counter_reset_hint b = last.histogram->hint;
  if (rate && (a == gauge || b == gauge))
    in.notes.warn(note::histogram_not_counter(in.metric_name), in.pos);
  if (!rate && (a != gauge || b != gauge))
    in.notes.warn(note::histogram_not_gauge(in.metric_name), in.pos);
  wide_histogram result(*last.histogram);
  const bool was_reset =
      rate && (start_time_reset(prev.start_ts, prev.ts, last.start_ts, last.ts) ||
               detect_reset(*last.histogram, *prev.histogram));
  if (!was_reset) {
    const combine_result r = result.sub(*prev.histogram);
    if (!r.compatible) {
      in.notes.warn(note::mixed_exponential_custom(in.metric_name), in.pos);
      return;
    }
    if (r.reconciled)
      in.notes.info(note::mismatched_custom_buckets("subtraction"), in.pos);
  }
  result.set_hint(gauge);
  if (rate)
    result.div(static_cast<double>(last.ts - prev.ts) / 1000);
  out.set(step, result.build());
}

template <bool Rate>
status instant_function(const range_input& in, step_scratch& out) {
  for (uint32_t step = 0; step < in.steps(); ++step) {
    uint32_t hi = in.hi[step];
    uint32_t hhi = in.hhi[step];
    if ((hi - in.lo[step]) + (hhi - in.hlo[step]) < 2)
      continue;
    const last_sample last = take_last(in, step, hi, hhi);
    const last_sample prev = take_last(in, step, hi, hhi);
    if (last.ts == prev.ts)
      continue;
    if (!last.histogram != !prev.histogram) {
      in.notes.warn(note::mixed_floats_histograms(in.metric_name), in.pos);
      continue;
    }
    if (last.histogram) {
      instant_histograms(in, step, Rate, prev, last, out);
      continue;
    }
    double result = last.value;
    const bool was_reset =
        Rate && (last.value < prev.value ||
                 start_time_reset(prev.start_ts, prev.ts, last.start_ts, last.ts));
    if (!was_reset)
      result -= prev.value;
    if (Rate)
      result /= static_cast<double>(last.ts - prev.ts) / 1000;
    out.set(step, result);
  }
  return {};
}

}  // namespace

bool start_time_reset(timestamp_ms prev_start, timestamp_ms prev_ts, timestamp_ms start,
                      timestamp_ms ts) {
  // Unknown, in the future, or OpenTelemetry's "unknown start" (equal to the sample's time).
  if (start == no_start_timestamp || start >= ts || start < prev_ts)
    return false;
  if (start > prev_ts)
    return true;
  // It points at the previous sample: a delta, unless that one's own start was unknown or wrong.
  return prev_start != no_start_timestamp && prev_start < prev_ts;
}

bool start_time_overlap(timestamp_ms prev_start, timestamp_ms prev_ts, timestamp_ms start) {
  return start != no_start_timestamp && start < prev_ts && start != prev_start;
}

extrapolation extrapolate(const range_input& in, uint32_t step, timestamp_ms first_ts,
                          timestamp_ms last_ts, size_t samples, bool counter, bool per_second,
                          timestamp_ms first_start, double first_value, double increase) {
  extrapolation out;
  const timestamp_ms range_start = in.range_start(step);
  double to_start = static_cast<double>(first_ts - range_start) / 1000;
  double to_end = static_cast<double>(in.refs[step] - last_ts) / 1000;
  double sampled = static_cast<double>(last_ts - first_ts) / 1000;
  const double average = samples > 1 ? sampled / static_cast<double>(samples - 1) : 0;
  // A gap of more than this at an end says that the series starts or ends within the range.
  const double threshold = average * 1.1;
  if (counter && first_start != no_start_timestamp && first_start > range_start &&
      first_start < first_ts) {
    out.from_start_time = true;
    to_start = 0;
    sampled = static_cast<double>(last_ts - first_start) / 1000;
  } else if (samples < 2) {
    return out;
  } else {
    if (to_start >= threshold)
      to_start = average / 2;
    // A counter is not extrapolated below zero.
    if (counter && increase > 0 && first_value >= 0) {
      const double to_zero = sampled * (first_value / increase);
      if (to_zero < to_start)
        to_start = to_zero;
    }
  }
  if (to_end >= threshold)
    to_end = average / 2;
  if (sampled != 0)
    out.factor = (sampled + to_start + to_end) / sampled;
  if (per_second)
    out.factor /= in.range_seconds();
  out.possible = true;
  return out;
}

double interpolate(timestamp_ms t1, double v1, timestamp_ms t2, double v2, timestamp_ms t,
                   bool counter) {
  if (counter && v2 < v1)
    v1 = 0;
  return v1 + (v2 - v1) * static_cast<double>(t - t1) / static_cast<double>(t2 - t1);
}

range_function find_rate_function(std::string_view name) {
  constexpr std::pair<std::string_view, range_function> table[] = {
      {"delta", rate_function<false, false>},   {"idelta", instant_function<false>},
      {"increase", rate_function<true, false>}, {"irate", instant_function<true>},
      {"rate", rate_function<true, true>},
  };
  for (const auto& [known, f] : table)
    if (known == name)
      return f;
  return nullptr;
}

}  // namespace troupe::query
