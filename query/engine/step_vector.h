// An instant vector at every step of a grid, kept series by series as columns. What the nodes of an
// expression hand to each other. Owned by one query.
#pragma once

#include "query/engine/budget.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::query {

/// The steps of an evaluation; count may be 0.
struct step_grid {
  timestamp_ms start = 0;
  int64_t step = 1;
  uint32_t count = 0;
  timestamp_ms at(uint32_t i) const { return start + static_cast<int64_t>(i) * step; }
  timestamp_ms last() const { return at(count - 1); }
};

/// "No float at this step". Stale markers never reach a column, so their bits are free to say so.
inline double absent() {
  return stale_nan();
}
inline bool is_absent(double v) {
  return is_stale(v);
}

/// One series: a float, a histogram or nothing per step. Columns cover [first, end()).
struct step_series {
  labels metric;
  bool drop_name = false;  ///< with delayed name removal: drop __name__ and its like at the end
  uint32_t first = 0;
  std::vector<double> values;             ///< absent() where there is no float
  std::vector<histogram_ptr> histograms;  ///< empty, or as long as values

  uint32_t end() const { return first + static_cast<uint32_t>(values.size()); }
  double value_at(uint32_t step) const {
    return step >= first && step < end() ? values[step - first] : absent();
  }
  /// Null if there is none.
  const histogram_ptr& histogram_at(uint32_t step) const;
  bool has(uint32_t step) const {
    return !is_absent(value_at(step)) || histogram_at(step) != nullptr;
  }
};

/// Full-length columns to compute one series in; reused from series to series.
struct step_scratch {
  std::vector<double> values;
  std::vector<histogram_ptr> histograms;  ///< empty until a histogram is set

  void reset(uint32_t count) {
    values.assign(count, absent());
    histograms.clear();
  }
  void set(uint32_t step, double v) { values[step] = v; }
  void set(uint32_t step, histogram_ptr h) {
    if (histograms.empty())
      histograms.resize(values.size());
    histograms[step] = std::move(h);
  }
  bool has(uint32_t step) const {
    return !is_absent(values[step]) || (!histograms.empty() && histograms[step]);
  }
};

/// Samples a histogram counts for, as Prometheus does (its size in units of a float point).
uint64_t sample_weight(const histogram& h);

/// A vector and what of the budget it holds.
struct step_vector {
  step_vector() = default;
  explicit step_vector(budget& b) : holds(b) {}
  std::vector<step_series> series;
  held holds;

  /// Appends the part of `scratch` that has something; nothing if it is empty. Charges the budget.
  status push(labels metric, bool drop_name, const step_scratch& scratch);
  /// Appends a finished series and charges the budget.
  status push(step_series s);
};

/// Without __name__, __type__ and __unit__; the same object if it has none of them.
labels drop_metadata_labels(const labels& metric);

/// Label sets to dense numbers in order of first appearance.
class label_index {
 public:
  /// The number of `l`, and whether it is new.
  std::pair<uint32_t, bool> add(const labels& l);
  size_t size() const { return index_.size(); }

 private:
  struct hasher {
    size_t operator()(const labels& l) const { return l.hash(); }
  };
  std::unordered_map<labels, uint32_t, hasher> index_;
};

/// Prometheus' answer to two series of one vector with the same labels.
status same_labelset_error();
/// Fails if two series have the same labels, whether or not they overlap in time.
status reject_same_labelset(const step_vector& v);
/// Joins series of the same labels; fails if two of them have a sample at the same step.
status merge_same_labelset(step_vector& v);

}  // namespace troupe::query
