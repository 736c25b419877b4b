// sum, avg, count, min, max, group, stddev, stdvar, quantile, count_values: one group after the
// other, its series in order, so that sums add up in the order of the vector.
#include "query/engine/accumulators.h"
#include "query/engine/evaluator.h"
#include "query/engine/grouping.h"
#include "query/engine/histogram_sum.h"
#include "query/engine/quantile.h"
#include "query/parser/number_text.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

namespace troupe::query {
namespace {

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

struct group_context {
  const step_vector& in;
  const series_group& group;
  uint32_t steps;
  position_range pos;  ///< of the operand
  annotations& notes;
  budget& limits;

  const step_series& member(size_t i) const { return in.series[group.members[i]]; }
};

// Calls float_at(step, v) and histogram_at(step, h, series) for every sample of the group. Stops
// early where time is up; the caller asks again and fails.
template <class Float, class Histogram>
void for_each_sample(const group_context& g, Float float_at, Histogram histogram_at) {
  for (size_t m = 0; m < g.group.members.size(); ++m) {
    const step_series& s = g.member(m);
    if (!g.limits.spend(s.values.size()).ok())
      return;
    for (uint32_t i = 0; i < s.values.size(); ++i) {
      const double v = s.values[i];
      if (!is_absent(v))
        float_at(s.first + i, v);
      else if (!s.histograms.empty() && s.histograms[i])
        histogram_at(s.first + i, *s.histograms[i], s);
    }
  }
}

// The histograms of sum and avg, kept only for the steps that have some.
template <class Accumulator>
class histogram_steps {
 public:
  void add(const group_context& g, uint32_t step, const histogram& h, const step_series& s) {
    entry& e = steps_[step];
    if (e.broken)
      return;
    if (!e.total.add(h)) {
      g.notes.warn(note::mixed_exponential_custom(s.metric.metric_name()), g.pos);
      e.broken = true;
    }
  }
  // Puts the results where there are no floats; takes back the floats where there are both.
  void finish(const group_context& g, step_scratch& out) const {
    for (const auto& [step, e] : steps_) {
      if (!is_absent(out.values[step])) {
        g.notes.warn(note::mixed_floats_histograms_in_aggregation(), g.pos);
        out.values[step] = absent();
      } else if (!e.broken) {
        e.total.annotate(g.pos, g.notes);
        out.set(step, e.total.value());
      }
    }
  }

 private:
  struct entry {
    Accumulator total;
    bool broken = false;
  };
  std::map<uint32_t, entry> steps_;
};

// Folds the floats of every step; histograms go to `histogram_at`.
template <class Accumulator, class Histogram>
void fold(const group_context& g, std::vector<Accumulator>& steps, Histogram histogram_at) {
  steps.resize(g.steps);
  for_each_sample(
      g, [&](uint32_t step, double v) { steps[step].add(v); }, histogram_at);
}

template <class Accumulator>
void put(const std::vector<Accumulator>& steps, step_scratch& out) {
  for (uint32_t i = 0; i < steps.size(); ++i)
    if (steps[i].any())
      out.values[i] = steps[i].value();
}

// Sums and means, which histograms have, too.
template <class Accumulator, class HistogramAccumulator>
void add_up(const group_context& g, step_scratch& out) {
  std::vector<Accumulator> steps;
  histogram_steps<HistogramAccumulator> histograms;
  fold(g, steps, [&](uint32_t step, const histogram& h, const step_series& s) {
    histograms.add(g, step, h, s);
  });
  put(steps, out);
  histograms.finish(g, out);
}

// Where a histogram is a sample like others.
template <class Accumulator>
void count_samples(const group_context& g, step_scratch& out) {
  std::vector<Accumulator> steps;
  fold(g, steps, [&](uint32_t step, const histogram&, const step_series&) { steps[step].add(0); });
  put(steps, out);
}

// Where histograms are ignored.
template <class Accumulator>
void fold_floats(const group_context& g, std::string_view aggregation, step_scratch& out) {
  std::vector<Accumulator> steps;
  fold(g, steps, [&](uint32_t, const histogram&, const step_series&) {
    g.notes.info(note::histogram_ignored_in_aggregation(aggregation), g.pos);
  });
  put(steps, out);
}

void quantiles(const group_context& g, const scalar_column& phi, step_scratch& out) {
  std::vector<double> values;
  for (uint32_t step = 0; step < g.steps; ++step) {
    values.clear();
    if (!g.limits.spend(g.group.members.size()).ok())
      return;
    for (size_t m = 0; m < g.group.members.size(); ++m) {
      const step_series& s = g.member(m);
      if (const double v = s.value_at(step); !is_absent(v))
        values.push_back(v);
      else if (s.histogram_at(step))
        g.notes.info(note::histogram_ignored_in_aggregation("quantile"), g.pos);
    }
    if (!values.empty())
      out.values[step] = quantile(phi[step], values);
  }
}

void note_quantiles(const scalar_column& phi, position_range pos, annotations& notes) {
  double low = 0;
  double high = 0;
  bool nan_seen = false;
  for (const double q : phi) {
    nan_seen = nan_seen || std::isnan(q);
    low = std::min(low, q);
    high = std::max(high, q);
  }
  if (nan_seen)
    notes.warn(note::invalid_quantile(nan_value), pos);
  if (high > 1)
    notes.warn(note::invalid_quantile(high), pos);
  if (low < 0)
    notes.warn(note::invalid_quantile(low), pos);
}

void run(agg_op op, const group_context& g, const scalar_column& param, step_scratch& out) {
  switch (op) {
    case agg_op::sum:
      return add_up<sum_of, histogram_sum>(g, out);
    case agg_op::avg:
      return add_up<mean_of, histogram_mean>(g, out);
    case agg_op::count:
      return count_samples<count_of>(g, out);
    case agg_op::min:
      return fold_floats<extreme_of<false>>(g, "min", out);
    case agg_op::max:
      return fold_floats<extreme_of<true>>(g, "max", out);
    case agg_op::stddev:
      return fold_floats<variance_of<true>>(g, "stddev", out);
    case agg_op::stdvar:
      return fold_floats<variance_of<false>>(g, "stdvar", out);
    case agg_op::quantile:
      return quantiles(g, param, out);
    default:
      return count_samples<presence_of>(g, out);
  }
}

bool any_drops_name(const step_vector& in, const series_group& group) {
  return std::any_of(group.members.begin(), group.members.end(),
                     [&](uint32_t i) { return in.series[i].drop_name; });
}

}  // namespace

result<step_vector> evaluator::aggregate(const aggregate_expr& e) {
  if (e.op == agg_op::count_values)
    return count_values(e);
  scalar_column param;
  if (e.param) {
    TROUPE_ASSIGN(param, scalar(*e.param));
  }
  if (accumulates(e.op))
    if (shared_selection* const s = shared(unwrap_parens(*e.operand)))
      if (shared_groups_ready(*s, e))
        return shared_aggregate(e.op, *s);
  TROUPE_ASSIGN(const step_vector in, vector(*e.operand));
  if (e.op == agg_op::topk || e.op == agg_op::bottomk || e.op == agg_op::limitk ||
      e.op == agg_op::limit_ratio)
    return select_k(e, param, in);
  if (e.op == agg_op::quantile)
    note_quantiles(param, unwrap_parens(*e.param).pos, state_.notes);
  step_vector out(state_.limits);
  step_scratch scratch;
  for (series_group& g : group_series(in, e)) {
    scratch.reset(grid_.count);
    run(e.op, {in, g, grid_.count, unwrap_parens(*e.operand).pos, state_.notes, state_.limits},
        param, scratch);
    TROUPE_TRY(state_.limits.check());
    TROUPE_TRY(out.push(std::move(g.metric), any_drops_name(in, g), scratch));
  }
  return out;
}

result<step_vector> evaluator::count_values(const aggregate_expr& e) {
  const std::string& label = as<string_literal>(unwrap_parens(*e.param)).value;
  if (label.empty() || !is_valid_utf8(label))
    return {errc::execution, "invalid label name " + quoted(label)};
  TROUPE_ASSIGN(const step_vector in, vector(*e.operand));
  std::vector<std::string> names = e.grouping;
  if (!e.without)
    names.push_back(label);
  label_index index;
  std::vector<std::pair<labels, std::vector<uint32_t>>> found;  // one step per sample
  held holds(state_.limits);
  for (const step_series& s : in.series) {
    TROUPE_TRY(state_.limits.check());
    const auto add = [&](uint32_t step, const std::string& text) -> uint32_t {
      labels_builder b(s.metric);
      labels metric = group_labels(b.set(label, text).build(), names, e.without);
      const auto [at, added] = index.add(metric);
      if (added)
        found.emplace_back(std::move(metric), std::vector<uint32_t>());
      found[at].second.push_back(step);
      return at;
    };
    std::unordered_map<uint64_t, uint32_t> known;  // values to positions in `found`
    for (uint32_t i = s.first; i < s.end(); ++i) {
      const double v = s.value_at(i);
      if (is_absent(v)) {
        if (const histogram_ptr& h = s.histogram_at(i))
          add(i, to_text(*h));
      } else if (const auto it = known.find(std::bit_cast<uint64_t>(v)); it != known.end()) {
        found[it->second].second.push_back(i);
      } else {
        known.emplace(std::bit_cast<uint64_t>(v), add(i, fixed(v)));
      }
    }
    TROUPE_TRY(holds.add(0, s.values.size() * sizeof(uint32_t)));
  }
  step_vector out(state_.limits);
  for (auto& [metric, steps] : found) {
    std::sort(steps.begin(), steps.end());
    step_series s;
    s.metric = std::move(metric);
    s.first = steps.front();
    s.values.assign(steps.back() - steps.front() + 1, absent());
    for (const uint32_t step : steps) {
      double& n = s.values[step - s.first];
      n = is_absent(n) ? 1 : n + 1;
    }
    TROUPE_TRY(out.push(std::move(s)));
  }
  return out;
}

}  // namespace troupe::query
