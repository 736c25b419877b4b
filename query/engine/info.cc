// info(): adds the labels of info metrics (target_info and the like) to the series of a vector.
#include "query/engine/evaluator.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

namespace troupe::query {
namespace {

constexpr std::string_view identifying[] = {"instance", "job"};
constexpr std::string_view default_info_metric = "target_info";
// Above this many values a matcher would cost more than it saves.
constexpr size_t max_matched_values = 500;

bool is_positive(const matcher& m) {
  return m.op() == match_op::equal || m.op() == match_op::regex;
}

std::string quote_meta(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("\\.+*?()|[]{}^$").find(c) != std::string_view::npos)
      out += '\\';
    out += c;
  }
  return out;
}

// The second argument taken apart: which info metrics, and which of their labels.
struct info_selector {
  matchers names;
  matchers data;
  bool has_positive_name = false;

  explicit info_selector(const call_expr& e) {
    if (e.args.size() > 1) {
      for (const matcher& m : as<vector_selector>(unwrap_parens(*e.args[1])).match)
        (m.name() == metric_name_label ? names : data).push_back(m);
    }
    has_positive_name = std::any_of(names.begin(), names.end(), is_positive);
    if (names.empty()) {
      names.push_back(
          matcher::equal(std::string(metric_name_label), std::string(default_info_metric)));
      has_positive_name = true;
    } else if (!has_positive_name) {
      // Only exclusions: of what is called an info metric.
      names.push_back(*matcher::make(match_op::regex, std::string(metric_name_label), ".+_info"));
    }
  }
  /// Info metrics themselves are passed on as they are.
  bool is_info_metric(const labels& metric) const {
    return has_positive_name && std::all_of(names.begin(), names.end(), [&](const matcher& m) {
             return m.matches(metric.metric_name());
           });
  }
  bool wants(std::string_view label) const {
    return data.empty() || std::any_of(data.begin(), data.end(),
                                       [&](const matcher& m) { return m.name() == label; });
  }
  bool allows_none() const {
    return std::all_of(data.begin(), data.end(),
                       [](const matcher& m) { return m.matches_empty(); });
  }
};

labels signature(const labels& metric) {
  std::vector<label_view> out;
  for (const std::string_view name : identifying)
    if (const std::string_view v = metric.get(name); !v.empty())
      out.push_back({name, v});
  return labels::from_views(std::move(out));
}

// The info series by what identifies their target, then by metric name.
using info_index = std::map<labels, std::map<std::string_view, std::vector<const step_series*>>>;

// Of the info series of one metric name and target, the one with the newest sample at a step.
result<const step_series*> newest_at(const std::vector<const step_series*>& candidates,
                                     uint32_t step) {
  const step_series* best = nullptr;
  for (const step_series* s : candidates) {
    const double ts = s->value_at(step);
    if (is_absent(ts))
      continue;
    if (best && best->value_at(step) == ts) {
      const std::string at = " @ " + std::to_string(static_cast<int64_t>(ts));
      return {errc::execution, "found duplicate series for info metric: existing " +
                                   best->metric.to_string() + at + ", new " +
                                   s->metric.to_string() + at};
    }
    if (!best || ts > best->value_at(step))
      best = s;
  }
  return best;
}

result<labels> enriched(const labels& base, const std::vector<const step_series*>& chosen,
                        const info_selector& selector) {
  labels_builder b(base);
  std::map<std::string_view, std::string_view> added;
  for (const step_series* s : chosen) {
    for (const label_view& l : s->metric) {
      if (l.name == metric_name_label || !selector.wants(l.name))
        continue;
      const auto [it, is_new] = added.try_emplace(l.name, l.value);
      if (!is_new && it->second != l.value)
        return {errc::execution, "conflicting label: " + std::string(l.name)};
      if (!base.has(l.name))
        b.set(l.name, l.value);
    }
  }
  return b.build();
}

void copy_step(const step_series& from, uint32_t step, step_scratch& to) {
  if (const histogram_ptr& h = from.histogram_at(step))
    to.set(step, h);
  else
    to.set(step, from.value_at(step));
}

// Splits a series by the info series that hold at its steps.
status combine(const step_series& base, const info_index& index, const info_selector& selector,
               uint32_t steps, step_vector& out) {
  const auto found = index.find(signature(base.metric));
  std::map<std::vector<const step_series*>, step_scratch> parts;
  std::vector<std::vector<const step_series*>> order;
  for (uint32_t step = base.first; step < base.end(); ++step) {
    if (!base.has(step))
      continue;
    std::vector<const step_series*> chosen;
    if (found != index.end()) {
      for (const auto& [name, candidates] : found->second) {
        TROUPE_ASSIGN(const step_series* s, newest_at(candidates, step));
        if (s)
          chosen.push_back(s);
      }
    }
    if (chosen.empty() && !selector.allows_none())
      continue;
    const auto [it, is_new] = parts.try_emplace(chosen);
    if (is_new) {
      it->second.reset(steps);
      order.push_back(chosen);
    }
    copy_step(base, step, it->second);
  }
  for (const auto& chosen : order) {
    TROUPE_ASSIGN(labels metric, enriched(base.metric, chosen, selector));
    TROUPE_TRY(out.push(std::move(metric), base.drop_name, parts[chosen]));
  }
  return {};
}

}  // namespace

result<step_vector> evaluator::info(const call_expr& e) {
  TROUPE_ASSIGN(const step_vector base, vector(*e.args[0]));
  const info_selector selector(e);
  matchers match = selector.names;
  match.insert(match.end(), selector.data.begin(), selector.data.end());
  bool identified = false;
  for (const std::string_view name : identifying) {
    std::set<std::string_view> values;
    for (const step_series& s : base.series)
      if (s.metric.has(name) && !selector.is_info_metric(s.metric))
        values.insert(s.metric.get(name));
    identified = identified || !values.empty();
    if (values.empty() || values.size() > max_matched_values)
      continue;
    std::string pattern;
    for (const std::string_view v : values)
      pattern += (pattern.empty() ? "" : "|") + quote_meta(v);
    TROUPE_ASSIGN(auto m, matcher::make(match_op::regex, std::string(name), pattern));
    match.push_back(std::move(m));
  }

  step_vector infos(state_.limits);
  if (identified) {
    const vector_selector* reference = first_selector(*e.args[0]);
    const time_shift none;
    const std::vector<timestamp_ms> refs = reference_times(reference ? reference->shift : none);
    TROUPE_ASSIGN(infos, select({.match = match}, refs, select_what::info_time));
  }
  info_index index;
  for (const step_series& s : infos.series)
    index[signature(s.metric)][s.metric.metric_name()].push_back(&s);

  step_vector out(state_.limits);
  for (const step_series& s : base.series) {
    TROUPE_TRY(state_.limits.check());
    if (selector.is_info_metric(s.metric))
      TROUPE_TRY(out.push(s));
    else
      TROUPE_TRY(combine(s, index, selector, grid_.count, out));
  }
  TROUPE_TRY(merge_same_labelset(out));
  return out;
}

}  // namespace troupe::query
