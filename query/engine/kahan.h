// Kahan's summation with Neumaier's improvement, exactly as Prometheus adds up floats.
#pragma once

#include <cmath>

namespace troupe::query {

/// Adds `x` to `sum`, whose lost low-order part is collected in `c`; the total is sum + c.
inline void kahan_add(double x, double& sum, double& c) {
  const double t = sum + x;
  if (std::isinf(t))
    c = 0;
  else if (std::fabs(sum) >= std::fabs(x))
    c += (sum - t) + x;
  else
    c += (x - t) + sum;
  sum = t;
}

/// A mean that adds up directly while that does not overflow, then goes on incrementally:
/// Prometheus' avg and avg_over_time.
class running_mean {
 public:
  explicit running_mean(double first) : sum_(first) {}
  void add(double x) {
    ++count_;
    if (!incremental_) {
      double sum = sum_;
      double c = c_;
      kahan_add(x, sum, c);
      if (!std::isinf(sum)) {
        sum_ = sum;
        c_ = c;
        return;
      }
      incremental_ = true;
      mean_ = sum_ / (count_ - 1);
      c_ /= count_ - 1;
    }
    const double q = (count_ - 1) / count_;
    mean_ *= q;
    c_ *= q;
    kahan_add(x / count_, mean_, c_);
  }
  double value() const { return incremental_ ? mean_ + c_ : sum_ / count_ + c_ / count_; }

 private:
  double sum_;
  double c_ = 0;
  double mean_ = 0;
  double count_ = 1;
  bool incremental_ = false;
};

}  // namespace troupe::query
