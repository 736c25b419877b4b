#include "query/engine/quantile.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace troupe::query {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

// Relative differences below this are rounding, not a broken histogram.
constexpr double small_delta_tolerance = 1e-12;

bool nan_first(double a, double b) {
  if (std::isnan(a))
    return !std::isnan(b);
  return a < b;
}

bool almost_equal(double a, double b, double epsilon) {
  if (a == b || (std::isnan(a) && std::isnan(b)))
    return true;
  constexpr double min_normal = std::numeric_limits<double>::min();
  const double sum = std::fabs(a) + std::fabs(b);
  const double diff = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < min_normal)
    return diff < epsilon * min_normal;
  return diff / std::min(sum, std::numeric_limits<double>::max()) < epsilon;
}

void sort_and_coalesce(std::vector<bucket>& buckets) {
  std::stable_sort(buckets.begin(), buckets.end(),
                   [](const bucket& a, const bucket& b) { return a.upper_bound < b.upper_bound; });
  size_t kept = 0;
  for (size_t i = 1; i < buckets.size(); ++i) {
    if (buckets[i].upper_bound == buckets[kept].upper_bound)
      buckets[kept].count += buckets[i].count;
    else
      buckets[++kept] = buckets[i];
  }
  buckets.resize(kept + 1);
}

// Counts must not decrease; what does is raised to the count before it.
void force_monotonic(std::vector<bucket>& buckets, bucket_quantile_result& out) {
  out.min_bucket = inf;
  out.max_bucket = -inf;
  double prev = buckets[0].count;
  for (size_t i = 1; i < buckets.size(); ++i) {
    const double curr = buckets[i].count;
    if (curr == prev)
      continue;
    if (almost_equal(prev, curr, small_delta_tolerance)) {
      buckets[i].count = prev;
    } else if (curr < prev) {
      buckets[i].count = prev;
      out.forced_monotonic = true;
      out.min_bucket = std::min(out.min_bucket, buckets[i].upper_bound);
      out.max_bucket = std::max(out.max_bucket, buckets[i].upper_bound);
      out.max_diff = std::max(out.max_diff, prev - curr);
    } else {
      prev = curr;
    }
  }
}

}  // namespace

double quantile(double phi, std::span<double> values) {
  if (values.empty() || std::isnan(phi))
    return nan_value;
  if (phi < 0)
    return -inf;
  if (phi > 1)
    return inf;
  const double n = static_cast<double>(values.size());
  const double rank = phi * (n - 1);
  const double lower = std::max(0.0, std::floor(rank));
  const double upper = std::min(n - 1, lower + 1);
  const auto lower_at = values.begin() + static_cast<ptrdiff_t>(lower);
  std::nth_element(values.begin(), lower_at, values.end(), nan_first);
  const double lower_value = *lower_at;
  const double upper_value =
      upper == lower ? lower_value : *std::min_element(lower_at + 1, values.end(), nan_first);
  const double weight = rank - std::floor(rank);
  return lower_value * (1 - weight) + upper_value * weight;
}

bucket_quantile_result bucket_quantile(double phi, std::vector<bucket>& buckets) {
  bucket_quantile_result out;
  out.value = nan_value;
  if (std::isnan(phi))
    return out;
  if (phi < 0 || phi > 1) {
    out.value = phi < 0 ? -inf : inf;
    return out;
  }
  sort_and_coalesce(buckets);
  if (buckets.back().upper_bound != inf)
    return out;
  bucket_quantile_result repaired;
  force_monotonic(buckets, repaired);
  if (buckets.size() < 2 || buckets.back().count == 0 || std::isnan(buckets.back().count))
    return out;
  out = repaired;
  double rank = phi * buckets.back().count;
  const auto last = buckets.end() - 1;
  const auto b = std::partition_point(buckets.begin(), last,
                                      [&](const bucket& x) { return !(x.count >= rank); });
  if (b == last) {
    out.value = (last - 1)->upper_bound;
    return out;
  }
  if (b == buckets.begin() && b->upper_bound <= 0) {
    out.value = b->upper_bound;
    return out;
  }
  double start = 0;
  double count = b->count;
  if (b != buckets.begin()) {
    start = (b - 1)->upper_bound;
    count -= (b - 1)->count;
    rank -= (b - 1)->count;
  }
  out.value = start + (b->upper_bound - start) * (rank / count);
  return out;
}

double bucket_fraction(double lower, double upper, std::vector<bucket>& buckets) {
  sort_and_coalesce(buckets);
  const double count = buckets.back().count;
  if (buckets.back().upper_bound != inf || count == 0 || std::isnan(lower) || std::isnan(upper))
    return nan_value;
  if (lower >= upper)
    return 0;
  double rank = 0;
  double lower_rank = 0;
  double upper_rank = 0;
  bool lower_set = false;
  bool upper_set = false;
  // Without buckets below zero there are no observations below zero.
  double from = buckets[0].upper_bound <= 0 ? -inf : 0;
  for (const bucket& b : buckets) {
    const double to = b.upper_bound;
    const auto locate = [&](double x, double& x_rank, bool& set) {
      if (set)
        return;
      if (from >= x) {
        x_rank = rank;
        set = true;
      } else if (from < x && to > x) {
        x_rank = rank + (b.count - rank) * (x - from) / (to - from);
        set = true;
      }
    };
    locate(lower, lower_rank, lower_set);
    locate(upper, upper_rank, upper_set);
    if (lower_set && upper_set)
      break;
    rank = b.count;
    from = to;
  }
  if (!lower_set || lower_rank > count)
    lower_rank = count;
  if (!upper_set || upper_rank > count)
    upper_rank = count;
  return (upper_rank - lower_rank) / count;
}

}  // namespace troupe::query
