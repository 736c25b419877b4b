#include "query/engine/histogram_trim.h"

#include "query/engine/histogram_math.h"

#include <cmath>

namespace troupe::query {
namespace {

// What is left of a bucket, and the value that stands for each observation in it.
struct remainder {
  double count = 0;
  double midpoint = 0;
};

double midpoint(double lower, double upper, bool positive, bool linear) {
  if (std::isinf(lower))
    return std::isinf(upper) ? 0 : upper > 0 ? upper / 2 : upper;
  if (std::isinf(upper))
    return lower;
  if (linear)
    return (lower + upper) / 2;
  return std::copysign(std::sqrt(std::fabs(lower * upper)), positive ? 1.0 : -1.0);
}

// The part of a bucket's count at or below a cutoff within it.
double count_below(const histogram_bucket& b, double cutoff, bool positive, bool linear) {
  if (linear)
    return b.count * ((cutoff - b.lower) / (b.upper - b.lower));
  const double log_lower = std::log2(std::fabs(b.lower));
  const double log_upper = std::log2(std::fabs(b.upper));
  const double log_cutoff = std::log2(std::fabs(cutoff));
  const double fraction = positive ? (log_cutoff - log_lower) / (log_upper - log_lower)
                                   : 1 - (log_cutoff - log_upper) / (log_lower - log_upper);
  return b.count * fraction;
}

// Of a bucket without end the distribution is unknown. The first custom bucket is taken to start at
// 0 if it ends above 0; else the cutoff itself stands for what is in it, or all of it goes.
remainder split_endless(const histogram_bucket& b, double cutoff, bool upper) {
  const bool from_zero = std::isinf(b.lower) && b.upper > 0 && !std::isinf(b.upper) && cutoff >= 0;
  if (std::isinf(b.lower) && upper) {
    if (from_zero && cutoff > 0)
      return {b.count * cutoff / b.upper, cutoff / 2};
    return b.upper <= 0 ? remainder{b.count, cutoff} : remainder{};
  }
  if (std::isinf(b.lower))
    return from_zero ? remainder{b.count * (1 - cutoff / b.upper), (cutoff + b.upper) / 2}
                     : remainder{};
  return upper || cutoff < b.lower ? remainder{} : remainder{b.count, cutoff};
}

// For a cutoff inside of the bucket.
remainder split(const histogram_bucket& b, double cutoff, bool upper, bool positive, bool custom) {
  if (std::isinf(b.lower) || std::isinf(b.upper))
    return split_endless(b, cutoff, upper);
  const double below = count_below(b, cutoff, positive, custom);
  if (upper)
    return {below, midpoint(b.lower, cutoff, positive, custom)};
  return {b.count - below, midpoint(cutoff, b.upper, positive, custom)};
}

class trimmer {
 public:
  trimmer(histogram& h, double cutoff, bool upper)
      : h_(h), cutoff_(cutoff), upper_(upper), custom_(uses_custom_buckets(h)) {}

  void run() {
    const bool positive = trim_side(h_.positive_spans, h_.positive_buckets, true);
    const bool negative = trim_side(h_.negative_spans, h_.negative_buckets, false);
    if (!custom_ && h_.zero_count > 0)
      trim_zero(positive, negative);
    if (!changed_)
      return;
    h_.count = count_;
    h_.sum = sum_;
  }

 private:
  // Whether the side has observations at all.
  bool trim_side(const std::vector<histogram_span>& spans, std::vector<double>& counts,
                 bool positive) {
    histogram one;
    one.schema = h_.schema;
    one.custom_bounds = h_.custom_bounds;
    (positive ? one.positive_spans : one.negative_spans) = spans;
    (positive ? one.positive_buckets : one.negative_buckets) = counts;
    const std::vector<histogram_bucket> buckets = buckets_of(one);
    const size_t n = buckets.size();
    bool any = false;
    for (size_t i = 0; i < n; ++i) {
      // Negative buckets are stored from zero downwards.
      const histogram_bucket& b = buckets[positive ? i : n - 1 - i];
      if (b.count == 0)
        continue;
      any = true;
      keep(counts[i], remaining(b, positive));
    }
    return any;
  }

  remainder remaining(const histogram_bucket& b, bool positive) const {
    if (upper_ ? b.upper <= cutoff_ : b.lower >= cutoff_)
      return {b.count, midpoint(b.lower, b.upper, positive, custom_)};
    if (upper_ ? b.lower < cutoff_ : b.upper > cutoff_)
      return split(b, cutoff_, upper_, positive, custom_);
    // With +Inf as the cutoff no observation lies above it.
    return {};
  }

  // With observations on one side only, the zero bucket is taken to be on that side too.
  void trim_zero(bool positive, bool negative) {
    histogram_bucket b{-h_.zero_threshold, h_.zero_threshold, h_.zero_count, true, true};
    if (positive && !negative)
      b.lower = 0;
    if (negative && !positive)
      b.upper = 0;
    if (cutoff_ <= b.lower || cutoff_ >= b.upper) {
      const bool all = upper_ ? cutoff_ >= b.upper : cutoff_ <= b.lower;
      keep(h_.zero_count, all ? remainder{b.count, (b.lower + b.upper) / 2} : remainder{});
      return;
    }
    const double below = (cutoff_ - b.lower) / (b.upper - b.lower);
    if (upper_)
      keep(h_.zero_count, {b.count * below, (b.lower + cutoff_) / 2});
    else
      keep(h_.zero_count,
           {b.count * ((b.upper - cutoff_) / (b.upper - b.lower)), (cutoff_ + b.upper) / 2});
  }

  void keep(double& stored, const remainder& r) {
    count_ += r.count;
    sum_ += r.midpoint * r.count;
    changed_ = changed_ || stored != r.count;
    stored = r.count;
  }

  histogram& h_;
  double cutoff_;
  bool upper_;
  bool custom_;
  double count_ = 0;
  double sum_ = 0;
  bool changed_ = false;
};

}  // namespace

histogram_ptr trimmed(const histogram& h, double cutoff, bool upper) {
  histogram copy = h;
  copy.is_float = true;
  trimmer(copy, cutoff, upper).run();
  return wide_histogram(copy).build();
}

}  // namespace troupe::query
