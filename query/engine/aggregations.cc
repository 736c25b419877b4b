// sum, avg, count, min, max, group, stddev, stdvar, quantile, count_values: one group after the
// other, its series in order, so that sums add up in the order of the vector.
#include "query/engine/evaluator.h"
#include "query/engine/grouping.h"
#include "query/engine/histogram_sum.h"
#include "query/engine/kahan.h"
#include "query/engine/quantile.h"
#include "query/parser/number_text.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
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

void sum(const group_context& g, step_scratch& out) {
  std::vector<double> c(g.steps, 0);
  histogram_steps<histogram_sum> histograms;
  for_each_sample(
      g,
      [&](uint32_t step, double v) {
        double& total = out.values[step];
        if (is_absent(total))
          total = v;
        else
          kahan_add(v, total, c[step]);
      },
      [&](uint32_t step, const histogram& h, const step_series& s) {
        histograms.add(g, step, h, s);
      });
  for (uint32_t i = 0; i < g.steps; ++i)
    if (!is_absent(out.values[i]))
      out.values[i] += c[i];
  histograms.finish(g, out);
}

void avg(const group_context& g, step_scratch& out) {
  std::vector<std::optional<running_mean>> means(g.steps);
  histogram_steps<histogram_mean> histograms;
  for_each_sample(
      g,
      [&](uint32_t step, double v) {
        if (means[step])
          means[step]->add(v);
        else
          means[step].emplace(v);
      },
      [&](uint32_t step, const histogram& h, const step_series& s) {
        histograms.add(g, step, h, s);
      });
  for (uint32_t i = 0; i < g.steps; ++i)
    if (means[i])
      out.values[i] = means[i]->value();
  histograms.finish(g, out);
}

void count(const group_context& g, step_scratch& out) {
  const auto one_more = [&](uint32_t step) {
    double& n = out.values[step];
    n = is_absent(n) ? 1 : n + 1;
  };
  for_each_sample(
      g, [&](uint32_t step, double) { one_more(step); },
      [&](uint32_t step, const histogram&, const step_series&) { one_more(step); });
}

void group(const group_context& g, step_scratch& out) {
  for_each_sample(
      g, [&](uint32_t step, double) { out.values[step] = 1; },
      [&](uint32_t step, const histogram&, const step_series&) { out.values[step] = 1; });
}

auto ignore_histograms(const group_context& g, std::string_view aggregation) {
  return [&g, aggregation](uint32_t, const histogram&, const step_series&) {
    g.notes.info(note::histogram_ignored_in_aggregation(aggregation), g.pos);
  };
}

template <bool Max>
void extreme(const group_context& g, step_scratch& out) {
  for_each_sample(
      g,
      [&](uint32_t step, double v) {
        double& best = out.values[step];
        if (std::isnan(best) || (Max ? best < v : best > v))
          best = v;
      },
      ignore_histograms(g, Max ? "max" : "min"));
}

template <bool Deviation>
void variance(const group_context& g, step_scratch& out) {
  struct welford {
    double count = 0;
    double mean = 0;
    double squares = 0;
  };
  std::vector<welford> state(g.steps);
  for_each_sample(
      g,
      [&](uint32_t step, double v) {
        welford& w = state[step];
        if (++w.count == 1) {
          w.mean = v;
          w.squares = std::isfinite(v) ? 0 : nan_value;
          return;
        }
        const double delta = v - w.mean;
        w.mean += delta / w.count;
        w.squares += delta * (v - w.mean);
      },
      ignore_histograms(g, Deviation ? "stddev" : "stdvar"));
  for (uint32_t i = 0; i < g.steps; ++i)
    if (state[i].count > 0)
      out.values[i] = Deviation ? std::sqrt(state[i].squares / state[i].count)
                                : state[i].squares / state[i].count;
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
      return sum(g, out);
    case agg_op::avg:
      return avg(g, out);
    case agg_op::count:
      return count(g, out);
    case agg_op::min:
      return extreme<false>(g, out);
    case agg_op::max:
      return extreme<true>(g, out);
    case agg_op::stddev:
      return variance<true>(g, out);
    case agg_op::stdvar:
      return variance<false>(g, out);
    case agg_op::quantile:
      return quantiles(g, param, out);
    default:
      return group(g, out);
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
