// Arithmetic and comparison between two vectors: one-to-one and many-to-one matching. Works on
// pairs of series; the rare cases in which several series of a match group take turns are sorted
// out step by step.
#include "query/engine/evaluator.h"
#include "query/engine/grouping.h"
#include "query/engine/operators.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <map>
#include <utility>

namespace troupe::query {
namespace {

std::string braced(const labels& l) {
  std::string out = "{";
  for (const label_view& v : l) {
    if (out.size() > 1)
      out += ", ";
    out += std::string(v.name) + "=" + quoted(v.value);
  }
  return out + "}";
}

// The two sides turned so that `one` has at most one sample per group and step.
struct sides {
  step_vector& many;
  step_vector& one;
  bool swapped = false;  ///< `one` is the left-hand side
  std::optional<double> fill_many;
  std::optional<double> fill_one;
};

class matcher_job {
 public:
  matcher_job(const binary_expr& e, sides s, uint32_t steps, bool delayed_names, query_state& state)
      : e_(e),
        m_(*e.matching),
        s_(s),
        steps_(steps),
        delayed_(delayed_names),
        state_(state),
        out_(state.limits) {}

  result<step_vector> run() {
    TROUPE_TRY(sort_into_groups());
    for (const group& g : groups_)
      TROUPE_TRY(check_one_side(g));
    for (size_t i = 0; i < s_.many.series.size(); ++i)
      TROUPE_TRY(match_series(s_.many.series[i], groups_[group_of_[i]]));
    if (s_.fill_many)
      for (const group& g : groups_)
        TROUPE_TRY(fill_missing_many(g));
    TROUPE_TRY(merge_same_labelset(out_));
    return std::move(out_);
  }

 private:
  struct group {
    labels key;
    std::vector<const step_series*> many;
    std::vector<const step_series*> one;
    std::vector<uint8_t> matched;  ///< one-to-one: steps at which a match was made
    std::map<labels, std::vector<std::pair<const step_series*, const step_series*>>> results;
  };

  status sort_into_groups() {
    label_index index;
    const auto group_at = [&](const step_series& s) -> group& {
      labels key = group_labels(s.metric, m_.labels, !m_.on);
      const auto [at, added] = index.add(key);
      if (added)
        groups_.push_back({std::move(key), {}, {}, {}, {}});
      last_group_ = at;
      return groups_[at];
    };
    for (const step_series& s : s_.many.series) {
      group_at(s).many.push_back(&s);
      group_of_.push_back(last_group_);
    }
    for (const step_series& s : s_.one.series)
      group_at(s).one.push_back(&s);
    return state_.limits.check();
  }

  // Nothing is matched at a step at which a side has no sample at all.
  bool evaluated(uint32_t step) {
    if (s_.fill_many || s_.fill_one)
      return true;
    return any_at(s_.many, many_present_, step) && any_at(s_.one, one_present_, step);
  }
  bool any_at(const step_vector& v, std::vector<uint8_t>& present, uint32_t step) const {
    if (present.empty()) {
      present.resize(steps_, 0);
      for (const step_series& s : v.series)
        for (uint32_t i = s.first; i < s.end(); ++i)
          present[i] = present[i] || s.has(i);
    }
    return present[step] != 0;
  }

  status check_one_side(const group& g) {
    for (uint32_t step = 0; g.one.size() > 1 && step < steps_; ++step) {
      const step_series* found = nullptr;
      for (const step_series* s : g.one) {
        if (!s->has(step))
          continue;
        if (found && evaluated(step)) {
          const auto [a, b] = std::minmax(found->metric, s->metric);
          return {errc::execution,
                  "found duplicate series for the match group " + braced(g.key) + " on the " +
                      (s_.swapped ? "left" : "right") + " hand-side of the operation: [" +
                      braced(a) + ", " + braced(b) +
                      "];many-to-many matching not allowed: matching labels must be unique on "
                      "one side"};
        }
        found = s;
      }
    }
    return {};
  }

  status match_series(const step_series& many, group& g) {
    TROUPE_TRY(state_.limits.check());
    for (const step_series* one : g.one)
      TROUPE_TRY(match_pair(many, one, g));
    return s_.fill_one ? match_pair(many, nullptr, g) : status{};
  }

  static bool any_has(const std::vector<const step_series*>& v, uint32_t step) {
    return std::any_of(v.begin(), v.end(), [&](const step_series* s) { return s->has(step); });
  }

  // `one` is null for the fill value where the group has nothing on that side.
  status match_pair(const step_series& many, const step_series* one, group& g) {
    const uint32_t first = one ? std::max(many.first, one->first) : many.first;
    const uint32_t end = one ? std::min(many.end(), one->end()) : many.end();
    if (first >= end)
      return {};
    TROUPE_TRY(state_.limits.spend(end - first));
    const labels metric = result_metric(many.metric, one ? one->metric : g.key);
    TROUPE_TRY(claim(many, one, metric, first, end, g));
    scratch_.reset(steps_);
    for (uint32_t i = first; i < end; ++i) {
      if (!many.has(i) || (one ? !one->has(i) : any_has(g.one, i)))
        continue;
      apply(i, {many.value_at(i), many.histogram_at(i)},
            one ? element{one->value_at(i), one->histogram_at(i)} : element{*s_.fill_one, nullptr});
    }
    return out_.push(metric, e_.return_bool || many.drop_name, scratch_);
  }

  status fill_missing_many(const group& g) {
    for (const step_series* one : g.one) {
      scratch_.reset(steps_);
      for (uint32_t i = one->first; i < one->end(); ++i)
        if (one->has(i) && !any_has(g.many, i))
          apply(i, {*s_.fill_many, nullptr}, {one->value_at(i), one->histogram_at(i)});
      TROUPE_TRY(out_.push(result_metric(g.key, one->metric), e_.return_bool, scratch_));
    }
    return {};
  }

  void apply(uint32_t step, const element& many, const element& one) {
    const element& lhs = s_.swapped ? one : many;
    const element& rhs = s_.swapped ? many : one;
    if (!lhs.histogram && !rhs.histogram && changes_metric(e_.op)) {
      scratch_.set(step, scalar_op(e_.op, lhs.value, rhs.value));
      return;
    }
    element_result r = element_op(e_.op, lhs, rhs, e_.pos, state_.notes);
    if (!r.valid)
      return;
    if (e_.return_bool)
      scratch_.set(step, r.keep ? 1.0 : 0.0);
    else if (r.keep && r.out.histogram)
      scratch_.set(step, std::move(r.out.histogram));
    else if (r.keep)
      scratch_.set(step, r.out.value);
  }

  // A result must not be made twice at a step, even where a comparison then drops it.
  status claim(const step_series& many, const step_series* one, const labels& metric,
               uint32_t first, uint32_t end, group& g) {
    if (g.many.size() < 2)
      return {};
    const auto made = [&](const step_series& m, const step_series* o, uint32_t step) {
      return m.has(step) && (o ? o->has(step) : !any_has(g.one, step));
    };
    if (m_.card == vector_card::one_to_one) {
      g.matched.resize(steps_, 0);
      for (uint32_t i = first; i < end; ++i) {
        if (!made(many, one, i))
          continue;
        if (std::exchange(g.matched[i], 1))
          return {errc::execution,
                  "multiple matches for labels: many-to-one matching must be explicit "
                  "(group_left/group_right)"};
      }
      return {};
    }
    auto& earlier = g.results[metric];
    for (const auto& [m, o] : earlier)
      for (uint32_t i = first; i < end; ++i)
        if (made(many, one, i) && made(*m, o, i))
          return {errc::execution,
                  "multiple matches for labels: grouping labels must ensure unique matches"};
    earlier.emplace_back(&many, one);
    return {};
  }

  labels result_metric(const labels& many, const labels& one) const {
    const bool rename = changes_metric(e_.op) || (e_.return_bool && !delayed_);
    if (m_.card != vector_card::one_to_one && m_.include.empty())
      return rename ? drop_metadata_labels(many) : many;
    labels_builder b(rename ? drop_metadata_labels(many) : many);
    if (m_.card == vector_card::one_to_one) {
      const auto named = [&](std::string_view name) {
        return std::find(m_.labels.begin(), m_.labels.end(), name) != m_.labels.end();
      };
      b.keep_if([&](std::string_view name) { return named(name) == m_.on; });
    }
    for (const std::string& name : m_.include)
      b.set(name, one.get(name));
    return b.build();
  }

  const binary_expr& e_;
  const vector_matching& m_;
  sides s_;
  uint32_t steps_;
  bool delayed_;
  query_state& state_;
  step_vector out_;
  step_scratch scratch_;
  std::vector<group> groups_;
  std::vector<uint32_t> group_of_;
  uint32_t last_group_ = 0;
  std::vector<uint8_t> many_present_;
  std::vector<uint8_t> one_present_;
};

}  // namespace

result<step_vector> evaluator::vector_vector(const binary_expr& e) {
  TROUPE_ASSIGN(step_vector lhs, vector(*e.lhs));
  TROUPE_ASSIGN(step_vector rhs, vector(*e.rhs));
  const vector_matching& m = *e.matching;
  const bool swapped = m.card == vector_card::one_to_many;
  const sides s{swapped ? rhs : lhs, swapped ? lhs : rhs, swapped,
                swapped ? m.fill_right : m.fill_left, swapped ? m.fill_left : m.fill_right};
  return matcher_job(e, s, grid_.count, delayed_names(), state_).run();
}

}  // namespace troupe::query
