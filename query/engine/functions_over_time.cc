// sum_over_time, max_over_time and so on: floats; sums of histograms are in
// functions_over_time_histogram.cc.
#include "query/engine/functions.h"
#include "query/engine/kahan.h"
#include "query/engine/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace troupe::query {
namespace {

// Calls `f(lo, hi, step)` for each window with floats; says so where histograms are left out.
template <class F>
status for_float_windows(const range_input& in, step_scratch& out, F f) {
  for (uint32_t step = 0; step < in.steps(); ++step) {
    if (in.lo[step] == in.hi[step])
      continue;
    TROUPE_TRY(in.limits.spend(in.hi[step] - in.lo[step]));
    if (in.hlo[step] != in.hhi[step])
      in.notes.info(note::histogram_ignored_in_mixed_range(in.metric_name), in.pos);
    out.set(step, f(in.lo[step], in.hi[step], step));
  }
  return {};
}

// Sums of integers below 2^53 are exact in any order, so prefix sums give what Kahan's gives.
bool sums_are_exact(std::span<const double> values) {
  double magnitude = 0;
  for (const double v : values) {
    if (v != std::floor(v) || (v == 0 && std::signbit(v)))
      return false;
    magnitude += std::fabs(v);
  }
  return magnitude < 9007199254740992.0;
}

// The windows of sum and avg: floats only, histograms only, or refused.
template <class Floats, class Histograms>
status for_uniform_windows(const range_input& in, step_scratch& out, Floats floats,
                           Histograms histograms) {
  for (uint32_t step = 0; step < in.steps(); ++step) {
    const bool f = in.lo[step] < in.hi[step];
    const bool h = in.hlo[step] < in.hhi[step];
    // A histogram is worth a few dozen floats.
    TROUPE_TRY(in.limits.spend(in.hi[step] - in.lo[step] + 32 * (in.hhi[step] - in.hlo[step])));
    if (f && h)
      in.notes.warn(note::mixed_floats_histograms(in.metric_name), in.pos);
    else if (f)
      out.set(step, floats(in.lo[step], in.hi[step]));
    else if (h)
      histograms(in, step, out);
  }
  return {};
}

std::vector<double> prefix_sums(std::span<const double> values) {
  std::vector<double> sums(values.size() + 1, 0);
  for (size_t i = 0; i < values.size(); ++i)
    sums[i + 1] = sums[i] + values[i];
  return sums;
}

status sum_over_time(const range_input& in, step_scratch& out) {
  if (sums_are_exact(in.values)) {
    const std::vector<double> sums = prefix_sums(in.values);
    return for_uniform_windows(
        in, out, [&](uint32_t lo, uint32_t hi) { return sums[hi] - sums[lo]; },
        histogram_sum_over_time);
  }
  const auto sum = [&](uint32_t lo, uint32_t hi) {
    double total = 0;
    double c = 0;
    for (uint32_t i = lo; i < hi; ++i)
      kahan_add(in.values[i], total, c);
    return std::isinf(total) ? total : total + c;
  };
  return for_uniform_windows(in, out, sum, histogram_sum_over_time);
}

status avg_over_time(const range_input& in, step_scratch& out) {
  if (sums_are_exact(in.values)) {
    const std::vector<double> sums = prefix_sums(in.values);
    return for_uniform_windows(
        in, out,
        [&](uint32_t lo, uint32_t hi) {
          return (sums[hi] - sums[lo]) / static_cast<double>(hi - lo);
        },
        histogram_avg_over_time);
  }
  const auto mean = [&](uint32_t lo, uint32_t hi) {
    running_mean m(in.values[lo]);
    for (uint32_t i = lo + 1; i < hi; ++i)
      m.add(in.values[i]);
    return m.value();
  };
  return for_uniform_windows(in, out, mean, histogram_avg_over_time);
}

status count_over_time(const range_input& in, step_scratch& out) {
  for (uint32_t step = 0; step < in.steps(); ++step)
    if (const uint32_t n = in.hi[step] - in.lo[step] + in.hhi[step] - in.hlo[step]; n > 0)
      out.set(step, static_cast<double>(n));
  return {};
}

// present_over_time; absent_over_time is made from it.
status present_over_time(const range_input& in, step_scratch& out) {
  for (uint32_t step = 0; step < in.steps(); ++step)
    if (in.lo[step] < in.hi[step] || in.hlo[step] < in.hhi[step])
      out.set(step, 1);
  return {};
}

enum class end_of_window : uint8_t { first, last };

// The oldest or newest sample of a window, or its time.
template <end_of_window End, bool Timestamp>
status edge_over_time(const range_input& in, step_scratch& out) {
  for (uint32_t step = 0; step < in.steps(); ++step) {
    const bool has_float = in.lo[step] < in.hi[step];
    const bool has_histogram = in.hlo[step] < in.hhi[step];
    if (!has_float && !has_histogram)
      continue;
    const uint32_t f = End == end_of_window::first ? in.lo[step] : in.hi[step] - 1;
    const uint32_t h = End == end_of_window::first ? in.hlo[step] : in.hhi[step] - 1;
    const bool take_float = !has_histogram || (has_float && (End == end_of_window::first
                                                                 ? in.ts[f] < in.histograms[h].ts
                                                                 : in.ts[f] > in.histograms[h].ts));
    if constexpr (Timestamp)
      out.set(step, static_cast<double>(take_float ? in.ts[f] : in.histograms[h].ts) / 1000);
    else if (take_float)
      out.set(step, in.values[f]);
    else
      out.set(step, in.histograms[h].value);
  }
  return {};
}

// Extremes over sliding windows with a queue of candidates: each sample enters and leaves once. NaN
// counts only where there is nothing else.
template <class Better>
status extreme_over_time(const range_input& in, step_scratch& out, Better better,
                         bool newest_of_equals, bool timestamp) {
  std::vector<uint32_t> queue;
  size_t head = 0;
  uint32_t entered = 0;
  const auto beaten = [&](uint32_t old, uint32_t by) {
    const double a = in.values[old];
    const double b = in.values[by];
    if (std::isnan(a))
      return true;
    return better(b, a) || (newest_of_equals && a == b);
  };
  return for_float_windows(in, out, [&](uint32_t lo, uint32_t hi, uint32_t) {
    if (entered < lo) {
      queue.clear();
      head = 0;
      entered = lo;
    }
    for (; entered < hi; ++entered) {
      while (queue.size() > head && beaten(queue.back(), entered))
        queue.pop_back();
      queue.push_back(entered);
    }
    while (queue[head] < lo)
      ++head;
    const uint32_t best = queue[head];
    return timestamp ? static_cast<double>(in.ts[best]) / 1000 : in.values[best];
  });
}

bool greater(double a, double b) {
  return a > b;
}
bool less(double a, double b) {
  return a < b;
}

template <bool Max, bool Timestamp>
status extreme(const range_input& in, step_scratch& out) {
  return extreme_over_time(in, out, Max ? greater : less, Timestamp, Timestamp);
}

status quantile_over_time(const range_input& in, step_scratch& out) {
  std::vector<double> window;
  return for_float_windows(in, out, [&](uint32_t lo, uint32_t hi, uint32_t step) {
    const double phi = in.params[0][step];
    if (std::isnan(phi) || phi < 0 || phi > 1)
      in.notes.warn(note::invalid_quantile(phi), in.pos);
    window.assign(in.values.begin() + lo, in.values.begin() + hi);
    return quantile(phi, window);
  });
}

status mad_over_time(const range_input& in, step_scratch& out) {
  std::vector<double> window;
  return for_float_windows(in, out, [&](uint32_t lo, uint32_t hi, uint32_t) {
    window.assign(in.values.begin() + lo, in.values.begin() + hi);
    if (std::any_of(window.begin(), window.end(), [](double v) { return std::isnan(v); }))
      return std::numeric_limits<double>::quiet_NaN();
    const double median = quantile(0.5, window);
    for (double& v : window)
      v = std::fabs(v - median);
    return quantile(0.5, window);
  });
}

template <bool Deviation>
status variance_over_time(const range_input& in, step_scratch& out) {
  return for_float_windows(in, out, [&](uint32_t lo, uint32_t hi, uint32_t) {
    double count = 0;
    double mean = 0;
    double mean_c = 0;
    double squares = 0;
    double squares_c = 0;
    for (uint32_t i = lo; i < hi; ++i) {
      ++count;
      const double v = in.values[i];
      const double delta = v - (mean + mean_c);
      kahan_add(delta / count, mean, mean_c);
      kahan_add(delta * (v - (mean + mean_c)), squares, squares_c);
    }
    const double variance = (squares + squares_c) / count;
    return Deviation ? std::sqrt(variance) : variance;
  });
}

}  // namespace

range_function find_over_time_function(std::string_view name) {
  using enum end_of_window;
  constexpr std::pair<std::string_view, range_function> table[] = {
      {"absent_over_time", present_over_time},
      {"avg_over_time", avg_over_time},
      {"count_over_time", count_over_time},
      {"first_over_time", edge_over_time<first, false>},
      {"last_over_time", edge_over_time<last, false>},
      {"mad_over_time", mad_over_time},
      {"max_over_time", extreme<true, false>},
      {"min_over_time", extreme<false, false>},
      {"present_over_time", present_over_time},
      {"quantile_over_time", quantile_over_time},
      {"stddev_over_time", variance_over_time<true>},
      {"stdvar_over_time", variance_over_time<false>},
      {"sum_over_time", sum_over_time},
      {"ts_of_first_over_time", edge_over_time<first, true>},
      {"ts_of_last_over_time", edge_over_time<last, true>},
      {"ts_of_max_over_time", extreme<true, true>},
      {"ts_of_min_over_time", extreme<false, true>},
  };
  for (const auto& [known, f] : table)
    if (known == name)
      return f;
  return nullptr;
}

}  // namespace troupe::query
