// Rules over a store in memory: series by notation, groups by their YAML, instants one after the
// other. One test's.
#pragma once

#include "config/load.h"
#include "pipeline/rules/engine_door.h"
#include "pipeline/rules/rule_group.h"
#include "query/parser/number_text.h"
#include "query/promqltest/series_notation.h"
#include "tests/support/memory_queryable.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace troupe::rules {

inline constexpr int64_t second = 1000;
inline constexpr int64_t minute = 60 * second;

class rules_fixture : public ::testing::Test {
 protected:
  manual_clock clk;
  query::engine engine{query::engine_options(), clk};
  memory_queryable store;
  engine_door door{engine, store};
  alert_settings settings;

  /// Samples every `step_ms` from `start` on.
  void load(int64_t step_ms, std::string_view line, timestamp_ms start = 0) {
    const auto parsed = query::parse_series_line(line);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    timestamp_ms ts = start;
    for (const auto& v : parsed->values) {
      if (v.histogram)
        store.append(parsed->series, ts, v.histogram);
      else if (!v.gap)
        store.append(parsed->series, ts, v.value);
      ts += step_ms;
    }
  }

  /// The only group of a rule file.
  static group_definition_ptr define(const std::string& rules, const std::string& keys = {},
                                     int64_t interval_ms = minute) {
    config::diagnostics errors;
    const auto groups = config::parse_rule_file(
        "groups:\n- name: g\n" + keys + "  rules:\n" + rules, "r.yml", true, {}, errors);
    EXPECT_TRUE(errors.empty()) << errors[0].to_string();
    group_defaults defaults;
    defaults.interval_ms = interval_ms;
    const auto out = define_group(groups.at(0), defaults);
    EXPECT_TRUE(out.ok()) << out.error().message();
    return *out;
  }

  void put(const write_batch& b) {
    for (const auto& f : b.floats)
      store.append(b.table->series[f.series], f.ts, f.value);
    for (const auto& h : b.histograms)
      store.append(b.table->series[h.series], h.ts, h.value);
  }

  /// Evaluates and stores; the alerts to be sent.
  std::vector<outgoing_alert> evaluate(rule_group& g, const group_run& run) {
    std::vector<outgoing_alert> out;
    for (size_t stage = 0; stage < g.definition().stages.size(); ++stage) {
      const auto results = g.evaluate(stage, run, door);
      for (const auto& a : g.take_due_alerts(stage, run))
        out.push_back(a);
      for (const auto& r : results) {
        put(*r.batch);
        g.stored(r.rule, {}, 0);
      }
    }
    return out;
  }
  std::vector<outgoing_alert> evaluate(rule_group& g, timestamp_ms instant) {
    return evaluate(g, group_run{instant, false});
  }

  /// All samples of the series that a selector matches: `a{b="c"} 1@60 stale@120; …`.
  std::string stored(std::string_view selector) {
    const auto match = query::parse_metric_selector(selector);
    auto set = *(*store.open("", min_time, max_time))->select({}, *match);
    std::string out;
    storage::sample_columns c;
    while (set->next()) {
      c.clear();
      EXPECT_TRUE(set->read(min_time, max_time, c).ok());
      out += (out.empty() ? "" : "; ") + set->series().to_string();
      for (size_t i = 0; i < c.ts.size(); ++i)
        out += " " + (is_stale(c.values[i]) ? "stale" : query::shortest(c.values[i])) + "@" +
               query::shortest(static_cast<double>(c.ts[i]) / 1000);
      for (const auto& h : c.histograms)
        out += " histogram@" + query::shortest(static_cast<double>(h.ts) / 1000);
    }
    return out;
  }
};

}  // namespace troupe::rules
