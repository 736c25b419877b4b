// Arithmetic on native histograms as PromQL defines it: addition across schemas and custom bounds,
// scaling, counter resets, buckets as ranges of values. Pure functions and one working type.
#pragma once

#include "storage/model/histogram.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace troupe::query {

inline bool uses_custom_buckets(const histogram& h) {
  return h.schema == histogram::custom_schema;
}

/// What happened while two histograms were combined.
struct combine_result {
  bool compatible = true;        ///< false: exponential and custom buckets mixed; nothing was done
  bool reset_collision = false;  ///< one hint says reset, the other one not_reset
  bool reconciled = false;       ///< custom bounds differed and were reduced to the common ones
};

/// A histogram taken apart for arithmetic; counts are floats with an error term each, so that
/// Kahan's summation works through it.
class wide_histogram {
 public:
  explicit wide_histogram(const histogram& h);

  /// Without error terms, as the operators + and - do.
  combine_result add(const histogram& h) { return combine(wide_histogram(h), 1, false); }
  combine_result sub(const histogram& h) { return combine(wide_histogram(h), -1, false); }
  /// With error terms, as the aggregations do.
  combine_result kahan_add(const histogram& h) { return combine(wide_histogram(h), 1, true); }
  combine_result kahan_add(const wide_histogram& h) { return combine(h, 1, true); }
  void mul(double factor);
  void div(double divisor);
  /// To a lower resolution; higher ones are left alone. Not for custom buckets.
  void reduce_to(int32_t schema);

  int32_t schema() const { return schema_; }
  double count() const { return count_.total(); }
  bool overflows() const;
  void set_hint(counter_reset_hint hint) { hint_ = hint; }
  /// Empty buckets left out.
  histogram_ptr build() const;

 private:
  struct term {
    double value = 0;
    double c = 0;
    double total() const { return value + c; }
    void add(const term& x, double sign, bool kahan);
    void mul(double f) {
      value *= f;
      if (c != 0)
        c *= f;
    }
    void div(double f) {
      value /= f;
      if (c != 0)
        c /= f;
    }
  };
  struct entry {
    int32_t index = 0;
    term count;
  };
  using side = std::vector<entry>;

  static side unpack(const std::vector<histogram_span>& spans, const std::vector<double>& counts);
  static void pack(const side& from, std::vector<histogram_span>& spans,
                   std::vector<double>& counts);
  static void reduce_side(side& s, int32_t levels);
  combine_result combine(wide_histogram h, double sign, bool kahan);
  bool merge_hint(counter_reset_hint other);
  void combine_side(side& into, const side& from, double sign, bool kahan) const;
  void widen_zero_bucket(double& threshold);
  void reconcile_zero_buckets(wide_histogram& other);
  void map_custom_bounds(const std::vector<double>& bounds);
  template <class F>
  void for_each_term(F f) {
    f(zero_count_);
    f(count_);
    f(sum_);
    for (side* s : {&positive_, &negative_})
      for (entry& e : *s)
        f(e.count);
  }

  int32_t schema_;
  counter_reset_hint hint_;
  double zero_threshold_;
  term zero_count_, count_, sum_;
  side positive_, negative_;
  std::vector<double> custom_bounds_;
  friend bool detect_reset(const histogram& current, const histogram& previous);
};

histogram_ptr scaled(const histogram& h, double factor);
histogram_ptr divided(const histogram& h, double divisor);
/// Same observations: schema, count, sum, zero bucket, bounds and non-empty buckets; hints do not
/// count.
bool same_histogram(const histogram& a, const histogram& b);
/// Whether a counter was reset between two histograms of a series.
bool detect_reset(const histogram& current, const histogram& previous);
/// A copy whose reset hints are unknown, unless it is a gauge: for results of subqueries.
histogram_ptr without_reset_hint(const histogram_ptr& h);

/// A bucket as a range of values. Exponential: (lower, upper] above zero, [lower, upper) below,
/// [lower, upper] for the zero bucket.
struct histogram_bucket {
  double lower = 0;
  double upper = 0;
  double count = 0;
  bool lower_inclusive = false;
  bool upper_inclusive = false;
};
/// Bounds of the exponential bucket `index` on the positive side.
double exponential_bound(int32_t index, int32_t schema);
/// All buckets that are stored, empty ones too, from the lowest values to the highest; the zero
/// bucket only if it is not empty.
std::vector<histogram_bucket> buckets_of(const histogram& h);
/// `{count:4, sum:5, (0.5,1]:1}`: how Prometheus prints one.
std::string to_text(const histogram& h);

}  // namespace troupe::query
