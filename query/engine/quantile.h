// Quantiles of plain values and of classic histogram buckets. Pure functions.
#pragma once

#include <span>
#include <vector>

namespace troupe::query {

/// The φ-quantile of `values`, which are reordered. NaN sorts lowest. NaN for no values or φ = NaN,
/// -Inf for φ < 0, +Inf for φ > 1; interpolates between neighbours.
double quantile(double phi, std::span<double> values);

struct bucket {
  double upper_bound = 0;
  double count = 0;  ///< cumulative
};

struct bucket_quantile_result {
  double value = 0;
  bool forced_monotonic = false;  ///< counts decreased by more than rounding could explain
  double min_bucket = 0;          ///< bounds and size of what was repaired
  double max_bucket = 0;
  double max_diff = 0;
};

/// histogram_quantile for classic buckets (at least one, any order; they are sorted and repaired in
/// place).
bucket_quantile_result bucket_quantile(double phi, std::vector<bucket>& buckets);

/// histogram_fraction for classic buckets: the share of observations in [lower, upper].
double bucket_fraction(double lower, double upper, std::vector<bucket>& buckets);

}  // namespace troupe::query
