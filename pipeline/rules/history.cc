#include "pipeline/rules/history.h"

#include "pipeline/rules/names.h"
#include "query/parser/parser.h"
#include "storage/base/hash.h"
#include "storage/model/tenant.h"

#include <functional>
#include <string>
#include <utility>

namespace troupe::rules {
namespace {

constexpr std::string_view evaluated_name = "troupe_rule_group_evaluated";
constexpr std::string_view keep_firing_name = "troupe_rule_keep_firing_since";

matchers group_matchers(std::string_view series, const group_definition& group) {
  return {matcher::equal(std::string(metric_name_label), std::string(series)),
          matcher::equal("file", group.file), matcher::equal("group", group.name)};
}

labels_builder group_series(std::string_view series, const group_definition& group) {
  labels_builder b;
  b.set(metric_name_label, series).set("file", group.file).set("group", group.name);
  return b;
}

using series_visitor = std::function<void(const labels&, const storage::sample_columns&)>;

status for_each(storage::queryable& data, std::string_view tenant, const matchers& match,
                timestamp_ms from, timestamp_ms to, const series_visitor& each) {
  TROUPE_ASSIGN(const auto source, data.open(tenant, from, to));
  storage::select_hints hints;
  hints.start = from;
  hints.end = to;
  TROUPE_ASSIGN(const auto set, source->select(hints, match));
  storage::sample_columns c;
  while (set->next()) {
    c.clear();
    TROUPE_TRY(set->read(from, to, c));
    if (!c.ts.empty())
      each(set->series(), c);
  }
  return set->error();
}

// The newest sample in [from, to] of the series `name` of an alerting rule; labels without the
// name.
status alert_series(storage::queryable& data, std::string_view tenant, const rule_definition& rule,
                    std::string_view name, timestamp_ms from, timestamp_ms to,
                    const std::function<void(labels_builder&, sample)>& each) {
  matchers match{matcher::equal(std::string(metric_name_label), std::string(name)),
                 matcher::equal(std::string(alert_name_label), rule.name)};
  return for_each(data, tenant, match, from, to,
                  [&](const labels& series, const storage::sample_columns& c) {
                    if (is_stale(c.values.back()))
                      return;
                    labels_builder b(series);
                    b.del(metric_name_label);
                    each(b, {c.ts.back(), c.values.back()});
                  });
}

}  // namespace

batch_ptr history_batch(const rule_group& group, const group_run& run) {
  const group_definition& d = group.definition();
  auto out = std::make_shared<write_batch>();
  out->tenant = rules_tenant;
  out->group = xxh3(group_key(d.file, d.name));
  std::vector<labels> series;
  series.push_back(
      group_series(evaluated_name, d).set("interval_ms", std::to_string(d.interval_ms)).build());
  out->floats.push_back({run.instant, 1, 0});
  for (size_t i = 0; i < d.rules.size(); ++i)
    for (const auto& [lset, a] : group.alerts_of(i).all()) {
      if (!a.keep_firing_since || a.state != alert_state::firing)
        continue;
      out->floats.push_back({run.instant, static_cast<double>(*a.keep_firing_since),
                             static_cast<uint32_t>(series.size())});
      series.push_back(group_series(keep_firing_name, d)
                           .set("rule", d.rules[i].name)
                           .set("alert", lset.to_string())
                           .build());
    }
  for (auto& s : series)
    s = s.packed();
  out->table = make_series_table(rules_tenant, std::move(series));
  return out;
}

result<std::vector<timestamp_ms>> evaluated_instants(storage::queryable& data,
                                                     const group_definition& group,
                                                     timestamp_ms from, timestamp_ms to) {
  auto match = group_matchers(evaluated_name, group);
  match.push_back(matcher::equal("interval_ms", std::to_string(group.interval_ms)));
  std::vector<timestamp_ms> out;
  TROUPE_TRY(for_each(data, rules_tenant, match, from, to,
                      [&](const labels&, const storage::sample_columns& c) {
                        out.insert(out.end(), c.ts.begin(), c.ts.end());
                      }));
  return out;
}

result<std::vector<saved_alerts>> newest_alerts(storage::queryable& data, std::string_view tenant,
                                                const group_definition& group, timestamp_ms from,
                                                timestamp_ms to) {
  std::vector<saved_alerts> out(group.rules.size());
  for (size_t i = 0; i < group.rules.size(); ++i)
    if (group.rules[i].alerting)
      TROUPE_TRY(alert_series(data, tenant, group.rules[i], for_state_name, from, to,
                              [&](labels_builder& b, sample s) {
                                auto& a = out[i][b.build()];
                                a.active_at = static_cast<timestamp_ms>(s.value) * 1000;
                                a.seen_at = s.ts;
                              }));
  return out;
}

result<std::vector<saved_alerts>> alerts_at(storage::queryable& data, std::string_view tenant,
                                            const group_definition& group, timestamp_ms at) {
  const timestamp_ms stored_at = at - group.query_offset_ms;
  TROUPE_ASSIGN(auto out, newest_alerts(data, tenant, group, stored_at, stored_at));
  for (size_t i = 0; i < group.rules.size(); ++i) {
    const auto& rule = group.rules[i];
    if (out[i].empty())
      continue;
    TROUPE_TRY(alert_series(
        data, tenant, rule, alerts_name, stored_at, stored_at, [&](labels_builder& b, sample) {
          const bool firing = b.get(alert_state_label) == to_string(alert_state::firing);
          b.del(alert_state_label);
          if (const auto a = out[i].find(b.build()); a != out[i].end())
            a->second.firing = a->second.firing || firing;
        }));
    auto match = group_matchers(keep_firing_name, group);
    match.push_back(matcher::equal("rule", rule.name));
    TROUPE_TRY(for_each(data, rules_tenant, match, at, at,
                        [&](const labels& series, const storage::sample_columns& c) {
                          const auto lset = query::parse_series_labels(series.get("alert"));
                          if (!lset.ok())
                            return;
                          if (const auto a = out[i].find(*lset); a != out[i].end())
                            a->second.keep_firing_since =
                                static_cast<timestamp_ms>(c.values.back());
                        }));
  }
  return out;
}

}  // namespace troupe::rules
