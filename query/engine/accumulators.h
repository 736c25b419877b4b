// What aggregations make of floats, one value after the other, with Prometheus' rounding. `any()`
// says whether there was one; value() needs that.
#pragma once

#include "query/engine/kahan.h"
#include "query/engine/step_vector.h"
#include "query/parser/ast.h"

#include <cmath>
#include <limits>
#include <optional>

namespace troupe::query {

class sum_of {
 public:
  void add(double v) {
    if (is_absent(total_))
      total_ = v;
    else
      kahan_add(v, total_, c_);
  }
  bool any() const { return !is_absent(total_); }
  double value() const { return total_ + c_; }

 private:
  double total_ = absent();
  double c_ = 0;
};

class mean_of {
 public:
  void add(double v) {
    if (mean_)
      mean_->add(v);
    else
      mean_.emplace(v);
  }
  bool any() const { return mean_.has_value(); }
  double value() const { return mean_->value(); }

 private:
  std::optional<running_mean> mean_;
};

class count_of {
 public:
  void add(double /*v*/) { ++count_; }
  bool any() const { return count_ > 0; }
  double value() const { return count_; }

 private:
  double count_ = 0;
};

class presence_of {
 public:
  void add(double /*v*/) { any_ = true; }
  bool any() const { return any_; }
  static double value() { return 1; }

 private:
  bool any_ = false;
};

template <bool Max>
class extreme_of {
 public:
  void add(double v) {
    if (std::isnan(best_) || (Max ? best_ < v : best_ > v))
      best_ = v;
  }
  bool any() const { return !is_absent(best_); }
  double value() const { return best_; }

 private:
  double best_ = absent();
};

template <bool Deviation>
class variance_of {
 public:
  void add(double v) {
    if (++count_ == 1) {
      mean_ = v;
      squares_ = std::isfinite(v) ? 0 : std::numeric_limits<double>::quiet_NaN();
      return;
    }
    const double delta = v - mean_;
    mean_ += delta / count_;
    squares_ += delta * (v - mean_);
  }
  bool any() const { return count_ > 0; }
  double value() const { return Deviation ? std::sqrt(squares_ / count_) : squares_ / count_; }

 private:
  double count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

/// Whether an aggregation has an accumulator.
constexpr bool accumulates(agg_op op) {
  return op <= agg_op::stdvar;
}
/// Calls `f` with an empty accumulator of the aggregation, which must have one.
template <class F>
void with_accumulator(agg_op op, F f) {
  switch (op) {
    case agg_op::sum:
      return f(sum_of());
    case agg_op::avg:
      return f(mean_of());
    case agg_op::count:
      return f(count_of());
    case agg_op::min:
      return f(extreme_of<false>());
    case agg_op::max:
      return f(extreme_of<true>());
    case agg_op::stddev:
      return f(variance_of<true>());
    case agg_op::stdvar:
      return f(variance_of<false>());
    default:
      return f(presence_of());
  }
}

}  // namespace troupe::query
