#include "query/engine/native_quantile.h"

#include "query/engine/histogram_math.h"
#include "query/engine/kahan.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace troupe::query {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

// An end of the zero bucket moves to 0 if all other observations are on the other side; the first
// custom bucket starts at 0 if it ends above 0.
void tighten(histogram_bucket& b, const histogram& h) {
  if (uses_custom_buckets(h)) {
    if (b.lower == -inf && b.upper > 0)
      b.lower = 0;
    return;
  }
  if (b.lower > 0 || b.upper < 0)
    return;
  if (h.negative_buckets.empty() && !h.positive_buckets.empty())
    b.lower = std::max(b.lower, 0.0);
  else if (h.positive_buckets.empty() && !h.negative_buckets.empty())
    b.upper = std::min(b.upper, 0.0);
}

bool is_zero_bucket(const histogram_bucket& b) {
  return b.lower <= 0 && b.upper >= 0;
}

}  // namespace

double native_quantile(double phi, const histogram& h, std::string_view metric_name,
                       position_range pos, annotations& notes) {
  if (phi < 0)
    return -inf;
  if (phi > 1)
    return inf;
  if (h.count == 0 || std::isnan(phi))
    return nan_value;

  std::vector<histogram_bucket> buckets = buckets_of(h);
  // Observations of NaN are in no bucket, so the rank has to be counted from below. Else the
  // shorter way is the more exact one.
  const bool has_nan_sum = std::isnan(h.sum);
  const bool forward = has_nan_sum || phi < 0.5;
  double rank = forward ? phi * h.count : (1 - phi) * h.count;
  if (!forward)
    std::reverse(buckets.begin(), buckets.end());
  histogram_bucket b;
  double count = 0;
  double in_buckets = 0;
  bool reached = false;
  for (const histogram_bucket& each : buckets) {
    in_buckets += each.count;
    if (reached || each.count == 0)
      continue;
    b = each;
    count += each.count;
    reached = count >= rank;
  }
  if (uses_custom_buckets(h)) {
    if (b.lower == -inf && b.upper <= 0)
      return b.upper;
    if (b.upper == inf)
      return b.lower;
  }
  tighten(b, h);
  count = std::min(count, h.count);
  if (count < rank) {
    if (has_nan_sum)
      notes.info(note::quantile_nan_result(metric_name), pos);
    return nan_value;
  }
  if (has_nan_sum && in_buckets < h.count)
    notes.info(note::quantile_nan_skew(metric_name), pos);
  rank = forward ? rank - (count - b.count) : count - rank;
  const double fraction = rank / b.count;
  if (uses_custom_buckets(h) || is_zero_bucket(b))
    return b.lower + (b.upper - b.lower) * fraction;
  const double log_lower = std::log2(std::fabs(b.lower));
  const double log_upper = std::log2(std::fabs(b.upper));
  if (b.lower > 0)
    return std::exp2(log_lower + (log_upper - log_lower) * fraction);
  return -std::exp2(log_upper + (log_lower - log_upper) * (1 - fraction));
}

double native_fraction(double lower, double upper, const histogram& h, std::string_view metric_name,
                       position_range pos, annotations& notes) {
  if (h.count == 0 || std::isnan(lower) || std::isnan(upper))
    return nan_value;
  if (lower >= upper)
    return 0;
  double rank = 0;
  double lower_rank = 0;
  double upper_rank = 0;
  bool lower_set = false;
  bool upper_set = false;
  const std::vector<histogram_bucket> buckets = buckets_of(h);
  for (histogram_bucket b : buckets) {
    const bool zero = is_zero_bucket(b);
    tighten(b, h);
    const auto locate = [&](double x, double& x_rank, bool& set) {
      if (set)
        return;
      if (b.lower >= x) {
        x_rank = rank;
        set = true;
      } else if (b.upper > x) {
        set = true;
        if (b.lower == -inf) {
          x_rank = rank + b.count;
        } else if (uses_custom_buckets(h) || zero) {
          x_rank = rank + b.count * (x - b.lower) / (b.upper - b.lower);
        } else {
          const double log_lower = std::log2(std::fabs(b.lower));
          const double log_upper = std::log2(std::fabs(b.upper));
          const double log_x = std::log2(std::fabs(x));
          const double fraction = x > 0 ? (log_x - log_lower) / (log_upper - log_lower)
                                        : 1 - (log_x - log_upper) / (log_lower - log_upper);
          x_rank = rank + b.count * fraction;
        }
      }
    };
    locate(lower, lower_rank, lower_set);
    locate(upper, upper_rank, upper_set);
    if (lower_set && upper_set)
      break;
    rank += b.count;
  }
  double count = h.count;
  if (std::isnan(h.sum)) {
    count = 0;
    for (const histogram_bucket& b : buckets)
      count += b.count;
    if (count < h.count)
      notes.info(note::fraction_nan(metric_name), pos);
  }
  if (!lower_set || lower_rank > count)
    lower_rank = count;
  if (!upper_set || upper_rank > count)
    upper_rank = count;
  return (upper_rank - lower_rank) / h.count;
}

double native_variance(const histogram& h) {
  const double mean = h.sum / h.count;
  double variance = 0;
  double c = 0;
  for (const histogram_bucket& b : buckets_of(h)) {
    if (b.count == 0)
      continue;
    double value = 0;
    if (uses_custom_buckets(h))
      value = (b.upper + b.lower) / 2;
    else if (!is_zero_bucket(b))
      value = std::copysign(std::sqrt(b.upper * b.lower), b.upper);
    const double delta = value - mean;
    kahan_add(b.count * delta * delta, variance, c);
  }
  return (variance + c) / h.count;
}

}  // namespace troupe::query
