// Binary operators on single values: floats and histograms. Pure functions.
#pragma once

#include "query/engine/annotations.h"
#include "query/parser/ast.h"
#include "storage/model/histogram.h"

#include <cmath>
#include <limits>

namespace troupe::query {

/// Go's math.Min and math.Max: NaN wins, -0 < +0.
inline double go_min(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0)
    return std::signbit(a) ? a : b;
  return a < b ? a : b;
}
inline double go_max(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return std::numeric_limits<double>::quiet_NaN();
  if (a == 0 && b == 0)
    return std::signbit(a) ? b : a;
  return a > b ? a : b;
}

/// The arithmetic operators, and the comparisons as 0 or 1.
double scalar_op(bin_op op, double lhs, double rhs);
bool compare(bin_op op, double lhs, double rhs);

/// The operator makes another metric of it: the name is dropped.
bool changes_metric(bin_op op);

/// One value of a vector: a float, or a histogram.
struct element {
  double value = 0;
  histogram_ptr histogram;
};

/// What an operator makes of two elements. `valid` is false if the types do not go together (the
/// reason is added to `notes`); `keep` is false for a comparison that does not hold.
struct element_result {
  element out;
  bool valid = true;
  bool keep = true;
};
element_result element_op(bin_op op, const element& lhs, const element& rhs, position_range pos,
                          annotations& notes);

}  // namespace troupe::query
