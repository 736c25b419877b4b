#include "pipeline/rules/definition.h"

#include "pipeline/rules/names.h"
#include "query/parser/printer.h"

#include <algorithm>
#include <string_view>

namespace troupe::rules {
namespace {

// What the selectors of an expression can read.
struct inputs {
  std::vector<const query::vector_selector*> selectors;
  bool anything = false;  ///< a template with `query`: not known before it is expanded

  explicit inputs(const rule_definition& r) {
    collect(*r.parsed);
    const auto queries = [](const auto& entry) {
      return entry.second.find("query") != std::string::npos;
    };
    anything = r.alerting && (std::any_of(r.labels.begin(), r.labels.end(), queries) ||
                              std::any_of(r.annotations.begin(), r.annotations.end(), queries));
  }

  bool reads(const rule_definition& other) const {
    if (anything)
      return true;
    return std::any_of(selectors.begin(), selectors.end(), [&](const auto* s) {
      return other.alerting ? may_select(*s, alerts_name) || may_select(*s, for_state_name)
                            : may_select(*s, other.name);
    });
  }

 private:
  void collect(const query::expr& e) {
    if (e.kind == query::node_kind::vector_selector)
      selectors.push_back(&query::as<query::vector_selector>(e));
    for (const auto* child : query::children(e))
      collect(*child);
  }

  static bool may_select(const query::vector_selector& s, std::string_view metric) {
    return std::all_of(s.match.begin(), s.match.end(), [&](const matcher& m) {
      return m.name() != metric_name_label || m.matches(metric);
    });
  }
};

void find_shared(group_definition& group) {
  for (const auto& stage : group.stages) {
    std::map<std::string_view, size_t> first;
    for (const size_t i : stage) {
      const auto [known, is_new] = first.emplace(group.rules[i].expr, i);
      if (!is_new)
        group.rules[i].shared = group.rules[known->second].shared = true;
    }
  }
}

}  // namespace

std::vector<std::vector<size_t>> stages_of(const std::vector<rule_definition>& rules) {
  std::vector<inputs> reads;
  reads.reserve(rules.size());
  for (const auto& r : rules)
    reads.emplace_back(r);
  std::vector<size_t> stage(rules.size(), 0);
  std::vector<std::vector<size_t>> out(1);
  for (size_t i = 0; i < rules.size(); ++i) {
    for (size_t before = 0; before < i; ++before) {
      if (reads[i].reads(rules[before]))
        stage[i] = std::max(stage[i], stage[before] + 1);
      // The earlier rule reads what this one stored at the instant before.
      else if (reads[before].reads(rules[i]))
        stage[i] = std::max(stage[i], stage[before]);
    }
    if (out.size() <= stage[i])
      out.resize(stage[i] + 1);
    out[stage[i]].push_back(i);
  }
  return out;
}

result<group_definition_ptr> define_group(const config::rule_group_config& from,
                                          const group_defaults& defaults) {
  auto out = std::make_shared<group_definition>();
  out->name = from.name;
  out->file = from.file;
  out->interval_ms = from.interval_ms > 0 ? from.interval_ms : defaults.interval_ms;
  out->query_offset_ms = from.query_offset_ms.value_or(defaults.query_offset_ms);
  out->limit = from.limit;
  out->source = from;
  for (const auto& r : from.rules) {
    rule_definition d;
    d.alerting = !r.alert.empty();
    d.name = d.alerting ? r.alert : r.record;
    auto parsed = query::parse(r.expr, defaults.parse);
    if (!parsed.ok())
      return parsed.error().with_context("rule " + d.name);
    d.parsed = std::move(*parsed);
    d.expr = query::to_string(*d.parsed);
    d.for_ms = r.for_ms;
    d.keep_firing_for_ms = r.keep_firing_for_ms;
    d.labels = r.labels;
    d.labels.insert(from.labels.begin(), from.labels.end());
    d.annotations = r.annotations;
    out->rules.push_back(std::move(d));
  }
  out->stages = stages_of(out->rules);
  find_shared(*out);
  return group_definition_ptr(std::move(out));
}

labels recorded_labels(const rule_definition& rule, const labels& found) {
  labels_builder b(found);
  b.set(metric_name_label, rule.name);
  for (const auto& [name, value] : rule.labels)
    b.set(name, value);
  return b.build();
}

std::string group_key(const std::string& file, const std::string& name) {
  return file + ";" + name;
}

}  // namespace troupe::rules
