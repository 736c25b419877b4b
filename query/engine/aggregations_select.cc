// topk, bottomk, limitk, limit_ratio: series of the input, at the steps where they are chosen.
#include "query/engine/evaluator.h"
#include "query/engine/grouping.h"
#include "query/engine/sampling_hash.h"
#include "query/parser/number_text.h"

#include <algorithm>
#include <cmath>
#include <string>

namespace troupe::query {
namespace {

struct candidate {
  double value = 0;
  uint32_t series = 0;
};

// A heap of k elements with the one to be replaced next on top. It moves elements exactly as Go's
// container/heap, so that of equal values the same ones survive as in Prometheus.
class k_heap {
 public:
  k_heap(bool smallest_first, size_t k) : smallest_first_(smallest_first), k_(k) {}
  void clear() { items_.clear(); }

  void offer(candidate c) {
    if (items_.size() < k_) {
      items_.push_back(c);
      up(items_.size() - 1);
      return;
    }
    const double top = items_[0].value;
    const bool better = smallest_first_ ? top < c.value : top > c.value;
    if (better || (std::isnan(top) && !std::isnan(c.value))) {
      items_[0] = c;
      down(0);
    }
  }

  /// Best first.
  std::vector<candidate>& sorted() {
    std::stable_sort(items_.begin(), items_.end(), [&](const candidate& a, const candidate& b) {
      if (std::isnan(a.value) || std::isnan(b.value))
        return !std::isnan(a.value);
      return smallest_first_ ? a.value > b.value : a.value < b.value;
    });
    return items_;
  }

 private:
  bool less(size_t a, size_t b) const {
    const double x = items_[a].value;
    const double y = items_[b].value;
    if (std::isnan(x))
      return true;
    return smallest_first_ ? x < y : x > y;
  }
  void up(size_t i) {
    while (i > 0) {
      const size_t parent = (i - 1) / 2;
      if (!less(i, parent))
        return;
      std::swap(items_[i], items_[parent]);
      i = parent;
    }
  }
  void down(size_t i) {
    while (2 * i + 1 < items_.size()) {
      size_t child = 2 * i + 1;
      if (child + 1 < items_.size() && less(child + 1, child))
        ++child;
      if (!less(child, i))
        return;
      std::swap(items_[i], items_[child]);
      i = child;
    }
  }

  bool smallest_first_;
  size_t k_;
  std::vector<candidate> items_;
};

// What was chosen of each series, and the order in which series were first chosen.
class selection {
 public:
  selection(const step_vector& in, uint32_t steps)
      : in_(in), chosen_(in.series.size()), steps_(steps) {}

  void choose(uint32_t step, uint32_t series) {
    if (chosen_[series].empty()) {
      chosen_[series].resize(in_.series[series].values.size(), false);
      order_.push_back(series);
    }
    chosen_[series][step - in_.series[series].first] = true;
  }

  status build(step_vector& out) const {
    step_scratch scratch;
    for (const uint32_t i : order_) {
      const step_series& s = in_.series[i];
      scratch.reset(steps_);
      for (uint32_t step = s.first; step < s.end(); ++step) {
        if (!chosen_[i][step - s.first])
          continue;
        if (const histogram_ptr& h = s.histogram_at(step))
          scratch.set(step, h);
        else
          scratch.set(step, s.value_at(step));
      }
      TROUPE_TRY(out.push(s.metric, s.drop_name, scratch));
    }
    return {};
  }

 private:
  const step_vector& in_;
  std::vector<std::vector<bool>> chosen_;
  std::vector<uint32_t> order_;
  uint32_t steps_;
};

struct param_range {
  double min = 0;
  double max = 0;
  bool has_nan = false;
};

param_range range_of(const scalar_column& v) {
  param_range out;
  bool first = true;
  for (const double x : v) {
    if (std::isnan(x)) {
      out.has_nan = true;
      continue;
    }
    out.min = first ? x : std::min(out.min, x);
    out.max = first ? x : std::max(out.max, x);
    first = false;
  }
  return out;
}

status check_k(const param_range& r) {
  constexpr double limit = 9223372036854775808.0;
  if (r.has_nan)
    return {errc::execution, "Parameter value is NaN"};
  if (r.min <= -limit)
    return {errc::execution, "Scalar value " + shortest(r.min) + " underflows int64"};
  if (r.max >= limit)
    return {errc::execution, "Scalar value " + shortest(r.max) + " overflows int64"};
  return {};
}

// The chosen part of a hash space: from the bottom for a ratio >= 0, from the top below.
bool in_sample(double ratio, double offset) {
  return ratio >= 0 ? offset < ratio : offset >= 1 + ratio;
}

void choose_extremes(bool top, uint32_t k, uint32_t step, const step_vector& in,
                     const std::vector<series_group>& groups, position_range pos,
                     annotations& notes, selection& out) {
  k_heap heap(top, k);
  for (const series_group& g : groups) {
    heap.clear();
    for (const uint32_t i : g.members) {
      const step_series& s = in.series[i];
      if (const double v = s.value_at(step); !is_absent(v))
        heap.offer({v, i});
      else if (s.histogram_at(step))
        notes.info(note::histogram_ignored_in_aggregation(top ? "topk" : "bottomk"), pos);
    }
    for (const candidate& c : heap.sorted())
      out.choose(step, c.series);
  }
}

void choose_first(uint32_t k, uint32_t step, const step_vector& in,
                  const std::vector<series_group>& groups, selection& out) {
  for (const series_group& g : groups) {
    uint32_t taken = 0;
    for (const uint32_t i : g.members) {
      if (taken == k)
        break;
      if (in.series[i].has(step)) {
        out.choose(step, i);
        ++taken;
      }
    }
  }
}

}  // namespace

result<step_vector> evaluator::select_k(const aggregate_expr& e, const scalar_column& param,
                                        const step_vector& in) {
  const param_range range = range_of(param);
  step_vector out(state_.limits);
  const std::vector<series_group> groups = group_series(in, e);
  selection chosen(in, grid_.count);
  if (e.op == agg_op::limit_ratio) {
    const position_range pos = unwrap_parens(*e.param).pos;
    if (range.has_nan)
      return {errc::execution, "Ratio value is NaN"};
    if (range.max > 1)
      state_.notes.warn(note::invalid_ratio(range.max, 1), pos);
    if (range.min < -1)
      state_.notes.warn(note::invalid_ratio(range.min, -1), pos);
    for (const series_group& g : groups) {
      for (const uint32_t i : g.members) {
        const step_series& s = in.series[i];
        const double offset = sampling_offset(s.metric);
        for (uint32_t step = s.first; step < s.end(); ++step)
          if (s.has(step) && in_sample(std::clamp(param[step], -1.0, 1.0), offset))
            chosen.choose(step, i);
      }
    }
    TROUPE_TRY(chosen.build(out));
    return out;
  }
  if (!range.has_nan && range.max < 1)
    return out;
  TROUPE_TRY(check_k(range));
  for (uint32_t step = 0; step < grid_.count; ++step) {
    TROUPE_TRY(state_.limits.check());
    const double k = std::min(std::trunc(param[step]), static_cast<double>(in.series.size()));
    if (k < 1)
      continue;
    if (e.op == agg_op::limitk)
      choose_first(static_cast<uint32_t>(k), step, in, groups, chosen);
    else
      choose_extremes(e.op == agg_op::topk, static_cast<uint32_t>(k), step, in, groups, e.pos,
                      state_.notes, chosen);
  }
  TROUPE_TRY(chosen.build(out));
  return out;
}

}  // namespace troupe::query
