#include "storage/chunk/value_stats.h"

#include "storage/chunk/kernels.h"
#include "storage/model/sample.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace troupe::storage {
namespace {

// Adds `part` with what it is short of to a compensated sum.
void add_sum(value_stats& out, double part, double compensation) {
  const double t = out.sum + part, rest = t - out.sum;
  out.compensation += (out.sum - (t - rest)) + (part - rest) + compensation;
  out.sum = t;
  if (!std::isfinite(out.sum))
    out.compensation = 0;
}

// The lesser by `less` of two of which NaN is never taken beside a number.
template <class Less>
double better(double a, double b, const Less& less) {
  if (std::isnan(a))
    return b;
  return less(b, a) ? b : a;
}

// No NaN among them, at least one.
value_stats stats_of_numbers(std::span<const double> values, const column_fold& fold) {
  value_stats out{values.size(), values.front(),    values.back(), fold.min,      fold.max,
                  fold.sum,      fold.compensation, fold.resets,   fold.reset_sum};
  if (!std::isfinite(fold.sum)) {
    // Infinity minus infinity on the way must not make a NaN of an infinite sum.
    out.sum = 0;
    for (const double v : values)
      out.sum += v;
    out.compensation = 0;
  }
  return out;
}

}  // namespace

value_stats stats_of(std::span<const double> values) {
  if (values.empty())
    return {};
  column_fold fold;
  kernels().fold(values.data(), values.size(), fold);
  if (!fold.nan)
    return stats_of_numbers(values, fold);
  value_stats out;
  std::vector<double> run;
  const auto flush = [&] {
    if (run.empty())
      return;
    kernels().fold(run.data(), run.size(), fold);
    out = merge(out, stats_of_numbers(run, fold));
    run.clear();
  };
  for (const double v : values) {
    if (!std::isnan(v)) {
      run.push_back(v);
    } else if (!is_stale(v)) {
      flush();
      out = merge(out, {1, v, v, v, v, v, 0, 0, 0});
    }
  }
  flush();
  return out;
}

value_stats merge(const value_stats& earlier, const value_stats& later) {
  if (earlier.count == 0)
    return later;
  if (later.count == 0)
    return earlier;
  value_stats out = earlier;
  out.count += later.count;
  out.last = later.last;
  out.min = better(earlier.min, later.min, [](double a, double b) { return a < b; });
  out.max = better(earlier.max, later.max, [](double a, double b) { return a > b; });
  add_sum(out, later.sum, later.compensation);
  const bool reset = later.first < earlier.last;
  out.resets += later.resets + reset;
  out.reset_sum += later.reset_sum + (reset ? earlier.last : 0);
  return out;
}

}  // namespace troupe::storage
