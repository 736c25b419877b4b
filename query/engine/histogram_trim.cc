#include "query/engine/histogram_trim.h"

#include "query/engine/histogram_math.h"

#include <cmath>

namespace troupe::query {
namespace {

// The part of a bucket's count at or below `cutoff`.
double count_below(const histogram_bucket& b, double cutoff, bool positive, bool linear) {
  if (cutoff <= b.lower)
    return 0;
  if (cutoff >= b.upper)
    return b.count;
  if (linear)
    return b.count * ((cutoff - b.lower) / (b.upper - b.lower));
  const double log_lower = std::log2(std::fabs(b.lower));
  const double log_upper = std::log2(std::fabs(b.upper));
  const double log_cutoff = std::log2(std::fabs(cutoff));
  const double fraction = positive ? (log_cutoff - log_lower) / (log_upper - log_lower)
                                   : 1 - (log_cutoff - log_upper) / (log_lower - log_upper);
  return b.count * fraction;
}

struct split {
  double kept = 0;
  double removed_at = 0;  ///< the value that stands for each removed observation
};

// Within a bucket without end nothing is known of the distribution, so all of it goes; except that
// the first custom bucket starts at 0 if it ends above 0.
split split_infinite(const histogram_bucket& b, double cutoff, bool upper) {
  if (std::isinf(b.lower) && b.lower < 0) {
    const bool from_zero = cutoff >= 0 && b.upper > cutoff && !std::isinf(b.upper);
    if (upper) {
      if (cutoff >= b.upper)
        return {b.count, 0};
      if (from_zero)
        return {b.count * cutoff / b.upper, (cutoff + b.upper) / 2};
      return {0, b.upper};
    }
    if (cutoff <= b.lower)
      return {b.count, 0};
    if (from_zero)
      return {b.count * (1 - cutoff / b.upper), cutoff / 2};
    return {0, b.upper};
  }
  if (!upper && cutoff <= b.lower)
    return {b.count, 0};
  return {0, b.lower};
}

split split_bucket(const histogram_bucket& b, double cutoff, bool upper, bool positive,
                   bool custom) {
  if (std::isinf(b.lower) || std::isinf(b.upper))
    return split_infinite(b, cutoff, upper);
  const double below = count_below(b, cutoff, positive, custom);
  // The removed part reaches from the cutoff to the far end of the bucket.
  const double far = upper ? b.upper : b.lower;
  double middle = (cutoff + far) / 2;
  if (!custom)
    middle = std::copysign(std::sqrt(std::fabs(cutoff) * std::fabs(far)), positive ? 1.0 : -1.0);
  return {upper ? below : b.count - below, middle};
}

double whole_midpoint(const histogram_bucket& b, double fallback, bool positive, bool custom) {
  if (custom)
    return std::isinf(b.lower) || std::isinf(b.upper) ? fallback : (b.lower + b.upper) / 2;
  return std::copysign(std::sqrt(b.lower * b.upper), positive ? 1.0 : -1.0);
}

class trimmer {
 public:
  trimmer(histogram& h, double cutoff, bool upper)
      : h_(h), cutoff_(cutoff), upper_(upper), custom_(uses_custom_buckets(h)) {}

  void run() {
    const double old_sum = h_.sum;
    trim_side(h_.positive_spans, h_.positive_buckets, true);
    trim_side(h_.negative_spans, h_.negative_buckets, false);
    trim_zero();
    double sum = 0;
    if (count_ != 0) {
      sum = old_sum - removed_sum_;
      if ((!has_negative_ && sum < 0) || (!has_positive_ && sum > 0))
        sum = 0;
    }
    h_.count = count_;
    h_.sum = sum;
  }

 private:
  void trim_side(const std::vector<histogram_span>& spans, std::vector<double>& counts,
                 bool positive) {
    // One side at a time, in stored order, so that the counts can be changed in place.
    histogram one;
    one.schema = h_.schema;
    one.custom_bounds = h_.custom_bounds;
    (positive ? one.positive_spans : one.negative_spans) = spans;
    (positive ? one.positive_buckets : one.negative_buckets) = counts;
    std::vector<histogram_bucket> buckets = buckets_of(one);
    const size_t n = buckets.size();
    for (size_t i = 0; i < n; ++i) {
      const histogram_bucket& b = buckets[positive ? i : n - 1 - i];
      if (b.count != 0)
        trim_bucket(b, positive, counts[i]);
    }
  }

  void trim_bucket(const histogram_bucket& b, bool positive, double& count) {
    note_signs(b, positive);
    const split s = split_bucket(b, cutoff_, upper_, positive, custom_);
    const bool all = upper_ ? b.upper <= cutoff_ : b.lower >= cutoff_;
    const bool part = upper_ ? b.lower < cutoff_ : b.upper > cutoff_;
    if (all) {
      count_ += b.count;
    } else if (part) {
      removed_sum_ += (b.count - s.kept) * s.removed_at;
      count_ += s.kept;
      count = s.kept;
    } else {
      removed_sum_ += b.count * whole_midpoint(b, s.removed_at, positive, custom_);
      count = 0;
    }
  }

  void note_signs(const histogram_bucket& b, bool positive) {
    if (!custom_) {
      (positive ? has_positive_ : has_negative_) = true;
      return;
    }
    if (b.lower < 0 || b.upper <= 0)
      has_negative_ = has_negative_ || b.upper <= 0 || !std::isinf(b.lower) || b.lower < 0;
    if (b.upper > 0)
      has_positive_ = true;
  }

  void trim_zero() {
    if (custom_ || h_.zero_count <= 0)
      return;
    histogram_bucket zero{-h_.zero_threshold, h_.zero_threshold, h_.zero_count, true, true};
    // With observations on one side only, the zero bucket is taken to be on that side too.
    if (has_positive_ && !has_negative_)
      zero.lower = 0;
    else if (has_negative_ && !has_positive_)
      zero.upper = 0;
    if (has_positive_ == has_negative_)
      has_positive_ = has_negative_ = true;
    const double below = count_below(zero, cutoff_, true, true);
    const double kept = upper_ ? below : zero.count - below;
    if (kept != zero.count) {
      const double edge = upper_ ? std::max(cutoff_, zero.lower) : std::min(cutoff_, zero.upper);
      removed_sum_ += (zero.count - kept) * ((edge + (upper_ ? zero.upper : zero.lower)) / 2);
    }
    h_.zero_count = kept;
    count_ += kept;
  }

  histogram& h_;
  double cutoff_;
  bool upper_;
  bool custom_;
  bool has_positive_ = false;
  bool has_negative_ = false;
  double count_ = 0;
  double removed_sum_ = 0;
};

}  // namespace

histogram_ptr trimmed(const histogram& h, double cutoff, bool upper) {
  histogram copy = h;
  copy.is_float = true;
  trimmer(copy, cutoff, upper).run();
  return wide_histogram(copy).build();
}

}  // namespace troupe::query
