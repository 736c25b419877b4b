// deriv, predict_linear, double_exponential_smoothing.
#include "query/engine/functions.h"
#include "query/engine/kahan.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

namespace troupe::query {
namespace {

struct line {
  double slope = 0;
  double intercept = 0;
};

// Least squares; the intercept is the value at `origin`.
line regress(std::span<const timestamp_ms> ts, std::span<const double> values,
             timestamp_ms origin) {
  double x_sum = 0, x_c = 0, y_sum = 0, y_c = 0, xy_sum = 0, xy_c = 0, xx_sum = 0, xx_c = 0;
  bool constant = true;
  for (size_t i = 0; i < ts.size(); ++i) {
    const double x = static_cast<double>(ts[i] - origin) / 1e3;
    const double y = values[i];
    constant = constant && (i == 0 || y == values[0]);
    kahan_add(x, x_sum, x_c);
    kahan_add(y, y_sum, y_c);
    kahan_add(x * y, xy_sum, xy_c);
    kahan_add(x * x, xx_sum, xx_c);
  }
  if (constant) {
    if (std::isinf(values[0])) {
      constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
      return {nan_value, nan_value};
    }
    return {0, values[0]};
  }
  x_sum += x_c;
  y_sum += y_c;
  xy_sum += xy_c;
  xx_sum += xx_c;
  const double n = static_cast<double>(ts.size());
  const double covariance = xy_sum - x_sum * y_sum / n;
  const double variance = xx_sum - x_sum * x_sum / n;
  line out;
  out.slope = covariance / variance;
  out.intercept = y_sum / n - out.slope * x_sum / n;
  return out;
}

// Calls `f(step, lo, hi)` for windows of at least two floats; says where histograms are left out.
template <class F>
status for_pairs(const range_input& in, F f) {
  for (uint32_t step = 0; step < in.steps(); ++step) {
    const uint32_t n = in.hi[step] - in.lo[step];
    if (n > 0 && in.hlo[step] != in.hhi[step])
      in.notes.info(note::histogram_ignored_in_mixed_range(in.metric_name), in.pos);
    TROUPE_TRY(in.limits.spend(n));
    if (n > 1)
      f(step, in.lo[step], in.hi[step]);
  }
  return {};
}

status deriv(const range_input& in, step_scratch& out) {
  return for_pairs(in, [&](uint32_t step, uint32_t lo, uint32_t hi) {
    // An origin near the samples keeps the sums small.
    out.set(step,
            regress(in.ts.subspan(lo, hi - lo), in.values.subspan(lo, hi - lo), in.ts[lo]).slope);
  });
  return {};
}

status predict_linear(const range_input& in, step_scratch& out) {
  return for_pairs(in, [&](uint32_t step, uint32_t lo, uint32_t hi) {
    const line l =
        regress(in.ts.subspan(lo, hi - lo), in.values.subspan(lo, hi - lo), in.grid.at(step));
    out.set(step, l.slope * in.params[0][step] + l.intercept);
  });
}

status check_factor(const char* which, const char* symbol, double v) {
  if (v > 0 && v < 1)
    return {};
  char text[128];
  std::snprintf(text, sizeof text, "invalid %s factor. Expected: 0 < %s < 1, got: %f", which,
                symbol, v);
  return {errc::execution, text};
}

status double_exponential_smoothing(const range_input& in, step_scratch& out) {
  status failed;
  const status spent = for_pairs(in, [&](uint32_t step, uint32_t lo, uint32_t hi) {
    const double smoothing = in.params[0][step];
    const double trend = in.params[1][step];
    if (failed.ok())
      failed = check_factor("smoothing", "sf", smoothing);
    if (failed.ok())
      failed = check_factor("trend", "tf", trend);
    if (!failed.ok())
      return;
    double previous = 0;
    double level = in.values[lo];
    double slope = in.values[lo + 1] - in.values[lo];
    for (uint32_t i = lo + 1; i < hi; ++i) {
      if (i > lo + 1)
        slope = trend * (level - previous) + (1 - trend) * slope;
      const double next = smoothing * in.values[i] + (1 - smoothing) * (level + slope);
      previous = std::exchange(level, next);
    }
    out.set(step, level);
  });
  return failed.ok() ? spent : failed;
}

}  // namespace

range_function find_trend_function(std::string_view name) {
  if (name == "deriv")
    return deriv;
  if (name == "predict_linear")
    return predict_linear;
  if (name == "double_exponential_smoothing")
    return double_exponential_smoothing;
  return nullptr;
}

range_function find_range_function(std::string_view name) {
  for (const auto find :
       {find_rate_function, find_over_time_function, find_trend_function, find_changes_function})
    if (const range_function f = find(name))
      return f;
  return nullptr;
}

}  // namespace troupe::query
