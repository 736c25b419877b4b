#include "pipeline/rules/alert_book.h"
#include "pipeline/rules/history.h"
#include "tests/pipeline/rules/rules_fixture.h"

namespace troupe::rules {
namespace {

/// Knows `$labels.NAME` and `$value`, and refuses `{{ bad }}`.
class tiny_templates final : public template_expander {
 public:
  result<std::string> expand(std::string_view text, const template_scope& s,
                             query_door&) const override {
    if (text == "{{ bad }}")
      return {errc::execution, "bad in " + std::string(s.alert)};
    if (text == "{{ $value }}")
      return query::shortest(s.element.value);
    if (text == "{{ $labels.a }}")
      return std::string(s.element.metric.get("a"));
    if (text == "{{ $externalLabels.dc }}")
      return s.external_labels.at("dc");
    return std::string(text);
  }
  status check(std::string_view, std::string_view) const override { return {}; }
};

class alert_test : public rules_fixture {
 protected:
  tiny_templates templates;

  alert_test() { settings.templates = &templates; }
  group_definition_ptr last;  ///< of make()

  rule_group make(const std::string& rule, const std::string& keys = {}) {
    last = define("  - {alert: a, expr: m > 0, " + rule + "}\n", keys);
    return {last, settings, clk};
  }
  static std::string states(const rule_group& g) {
    std::string out;
    for (const auto& [lset, a] : g.alerts_of(0).all())
      out += (out.empty() ? "" : " ") + std::string(to_string(a.state));
    return out;
  }
  static std::string sent(const std::vector<outgoing_alert>& all) {
    std::string out;
    for (const auto& a : all)
      out += (out.empty() ? "" : "; ") + a.lset.to_string() + (a.resolved ? " resolved " : " ") +
             std::to_string(a.starts_at / second) + "-" + std::to_string(a.ends_at / second);
    return out;
  }
};

TEST_F(alert_test, pending_firing_inactive) {
  load(minute, "m{a=\"x\"} 1 1 1 0 0");
  auto g = make("for: 2m, labels: {sev: page}");
  evaluate(g, 0);
  EXPECT_EQ(states(g), "pending");
  evaluate(g, minute);
  EXPECT_EQ(states(g), "pending");
  evaluate(g, 2 * minute);
  EXPECT_EQ(states(g), "firing");
  evaluate(g, 3 * minute);
  EXPECT_EQ(states(g), "inactive");
  EXPECT_TRUE(g.alerts_of(0).active().empty());
  evaluate(g, 4 * minute);
  EXPECT_EQ(
      stored("ALERTS"),
      "ALERTS{a=\"x\", alertname=\"a\", alertstate=\"firing\", sev=\"page\"} 1@120 stale@180; "
      "ALERTS{a=\"x\", alertname=\"a\", alertstate=\"pending\", sev=\"page\"} 1@0 1@60 "
      "stale@120");
  EXPECT_EQ(stored("ALERTS_FOR_STATE"),
            "ALERTS_FOR_STATE{a=\"x\", alertname=\"a\", sev=\"page\"} 0@0 0@60 0@120 stale@180");
}

TEST_F(alert_test, a_pending_alert_that_ends_is_forgotten) {
  load(minute, "m 1 0");
  auto g = make("for: 2m");
  evaluate(g, 0);
  evaluate(g, minute);
  EXPECT_EQ(states(g), "");
}

TEST_F(alert_test, without_for_it_fires_at_once_and_is_sent_with_its_times) {
  load(minute, "m 1 1 1 1 0 0 0");
  auto g = make("labels: {v: x}");
  EXPECT_EQ(sent(evaluate(g, 0)), "{alertname=\"a\", v=\"x\"} 0-240");
  EXPECT_EQ(sent(evaluate(g, minute)), "") << "the resend delay is not over";
  EXPECT_EQ(sent(evaluate(g, 2 * minute)), "{alertname=\"a\", v=\"x\"} 0-360");
  EXPECT_EQ(sent(evaluate(g, 3 * minute)), "");
  EXPECT_EQ(sent(evaluate(g, 4 * minute)), "{alertname=\"a\", v=\"x\"} resolved 0-240");
  EXPECT_EQ(sent(evaluate(g, 5 * minute)), "");
  EXPECT_EQ(sent(evaluate(g, 6 * minute)), "{alertname=\"a\", v=\"x\"} resolved 0-240");
  for (int i = 7; i <= 19; ++i)
    evaluate(g, i * minute);
  EXPECT_EQ(states(g), "inactive");
  EXPECT_EQ(sent(evaluate(g, 20 * minute)), "") << "after 15 minutes it is forgotten";
  EXPECT_EQ(states(g), "");
}

TEST_F(alert_test, pending_alerts_are_not_sent) {
  load(minute, "m 1 1");
  auto g = make("for: 1m");
  EXPECT_EQ(sent(evaluate(g, 0)), "");
  EXPECT_EQ(sent(evaluate(g, minute)), "{alertname=\"a\"} 60-300");
}

TEST_F(alert_test, an_alert_that_comes_back_is_a_new_one) {
  load(minute, "m 1 0 1");
  auto g = make("for: 0s");
  evaluate(g, 0);
  evaluate(g, minute);
  EXPECT_EQ(sent(evaluate(g, 2 * minute)), "{alertname=\"a\"} 120-360");
}

TEST_F(alert_test, keep_firing_for) {
  load(minute, "m 1 0 0 1 0 0 0 0");
  auto g = make("keep_firing_for: 2m");
  std::string all;
  for (int i = 0; i < 8; ++i) {
    evaluate(g, i * minute);
    all += states(g) + " ";
  }
  EXPECT_EQ(all, "firing firing firing firing firing firing inactive inactive ");
}

TEST_F(alert_test, templates) {
  settings.external_labels = {{"dc", "eu"}};
  load(minute, "m{a=\"x\"} 7");
  auto g = make(
      "labels: {l: '{{ $labels.a }}', dc: '{{ $externalLabels.dc }}'}, "
      "annotations: {v: '{{ $value }}', b: '{{ bad }}', e: ''}");
  evaluate(g, 0);
  const auto active = g.alerts_of(0).active();
  ASSERT_EQ(active.size(), 1u);
  EXPECT_EQ(active[0].lset.to_string(), "{a=\"x\", alertname=\"a\", dc=\"eu\", l=\"x\"}");
  EXPECT_EQ(active[0].annotations,
            (text_map{{"b", "<error expanding template: bad in a>"}, {"e", ""}, {"v", "7"}}));
  EXPECT_EQ(active[0].value, 7);
}

TEST_F(alert_test, values_and_annotations_are_those_of_the_last_instant) {
  load(minute, "m 7 8");
  auto g = make("annotations: {v: '{{ $value }}'}");
  evaluate(g, 0);
  evaluate(g, minute);
  EXPECT_EQ(g.alerts_of(0).active()[0].annotations.at("v"), "8");
  EXPECT_EQ(g.alerts_of(0).active()[0].active_at, 0);
}

TEST_F(alert_test, the_limit_drops_all_alerts_of_the_rule) {
  load(minute, "m{a=\"1\"} 1 1");
  load(minute, "m{a=\"2\"} _ 1");
  auto g = make("for: 0s", "  limit: 1\n");
  evaluate(g, 0);
  EXPECT_EQ(states(g), "firing");
  evaluate(g, minute);
  EXPECT_EQ(states(g), "");
  EXPECT_EQ(g.status_of(0).last_error, "exceeded limit of 1 with 2 alerts");
}

TEST_F(alert_test, two_alerts_with_one_label_set_are_an_error) {
  load(minute, "m{a=\"1\"} 1");
  load(minute, "m{a=\"2\"} 1");
  auto g = make("labels: {a: same}");
  evaluate(g, 0);
  EXPECT_EQ(g.status_of(0).last_error,
            "vector contains metrics with the same labelset after applying alert labels");
}

TEST_F(alert_test, a_catch_up_sends_nothing_and_forgets_what_began_and_ended_in_it) {
  load(minute, "m{a=\"short\"} 1 0 0 0 0");
  load(minute, "m{a=\"long\"} 1 1 1 1 0");
  auto g = make("for: 0s");
  EXPECT_EQ(sent(evaluate(g, {0, true})), "");
  EXPECT_EQ(sent(evaluate(g, {minute, true})), "");
  EXPECT_EQ(states(g), "firing");
  EXPECT_TRUE(g.alerts_of(0).active()[0].from_catch_up);
  EXPECT_EQ(sent(evaluate(g, 2 * minute)), "{a=\"long\", alertname=\"a\"} 0-360");
  EXPECT_EQ(sent(evaluate(g, {4 * minute, true})), "");
  EXPECT_EQ(sent(evaluate(g, 5 * minute)), "{a=\"long\", alertname=\"a\"} resolved 0-240");
}

/// Evaluates, forgets, and takes the state up again from what was stored.
class resume_test : public alert_test {
 protected:
  rule_group resumed(timestamp_ms at) {
    rule_group g(last, settings, clk);
    const auto saved = alerts_at(store, "", *last, at);
    EXPECT_TRUE(saved.ok());
    g.resume(at, *saved, door);
    return g;
  }
  void evaluate_and_note(rule_group& g, timestamp_ms at) {
    evaluate(g, at);
    put(*history_batch(g, {at, false}));
  }
  static std::string full(const rule_group& g) {
    std::string out;
    for (const auto& [lset, a] : g.alerts_of(0).all())
      out += lset.to_string() + " " + std::string(to_string(a.state)) + " " +
             std::to_string(a.active_at) + " " + std::to_string(a.fired_at.value_or(-1)) + " " +
             std::to_string(a.keep_firing_since.value_or(-1)) + " " + query::shortest(a.value) +
             " " + (a.annotations.empty() ? "-" : a.annotations.at("v")) + "\n";
    return out;
  }
};

TEST_F(resume_test, every_state_is_found_again) {
  constexpr timestamp_ms start = 1'700'000'000'123;  // instants need not be whole seconds
  load(minute, "m{a=\"pending\"} _ _ _ 1 1", start);
  load(minute, "m{a=\"firing\"} _ 1 1 1 2", start);
  load(minute, "m{a=\"kept\"} 1 1 1 1 0", start);
  load(minute, "m{a=\"over\"} 1 1 1 0 0", start);
  auto g = make("for: 3m, keep_firing_for: 1m, annotations: {v: '{{ $value }}'}");
  for (int i = 0; i < 5; ++i)
    evaluate_and_note(g, start + i * minute);
  auto again = resumed(start + 4 * minute);
  const auto before = full(g);
  EXPECT_NE(before.find("firing"), std::string::npos);
  EXPECT_NE(before.find("pending"), std::string::npos);
  // What was kept firing has lost value and annotations.
  auto expected = before;
  const auto kept = expected.find("{a=\"kept\"");
  ASSERT_NE(kept, std::string::npos);
  const auto end = expected.find('\n', kept);
  const auto value = expected.rfind(" 1 1", end);
  expected.replace(value, end - value, " 0 -");
  EXPECT_EQ(full(again), expected);
}

TEST_F(resume_test, series_that_vanish_after_the_restart_are_marked) {
  load(minute, "m 1 1 0");
  auto g = make("for: 0s");
  evaluate_and_note(g, 0);
  evaluate_and_note(g, minute);
  auto again = resumed(minute);
  evaluate(again, 2 * minute);
  EXPECT_EQ(stored("ALERTS"), "ALERTS{alertname=\"a\", alertstate=\"firing\"} 1@0 1@60 stale@120");
}

TEST_F(resume_test, an_outage_does_not_count_for_a_pending_alert) {
  settings.grace_period_ms = minute;
  load(minute, "m 1x100");
  auto g = make("for: 10m");
  for (int i = 0; i <= 4; ++i)
    evaluate_and_note(g, i * minute);
  auto again = resumed(4 * minute);
  again.bridge_outage(4 * minute, 24 * minute);
  evaluate(again, 24 * minute);
  EXPECT_EQ(again.alerts_of(0).active()[0].active_at, 20 * minute);
  evaluate(again, 29 * minute);
  EXPECT_EQ(states(again), "pending");
  evaluate(again, 30 * minute);
  EXPECT_EQ(states(again), "firing");
}

TEST_F(resume_test, nearly_due_alerts_wait_for_the_grace_period) {
  settings.grace_period_ms = 5 * minute;
  load(minute, "m 1x100");
  auto g = make("for: 10m");
  for (int i = 0; i <= 8; ++i)
    evaluate_and_note(g, i * minute);
  auto again = resumed(8 * minute);
  again.bridge_outage(8 * minute, 20 * minute);
  EXPECT_EQ(again.alerts_of(0).active()[0].active_at, 15 * minute);
}

TEST_F(resume_test, a_for_below_the_grace_period_begins_anew) {
  load(minute, "m 1x100");
  auto g = make("for: 5m");
  for (int i = 0; i <= 3; ++i)
    evaluate_and_note(g, i * minute);
  auto again = resumed(3 * minute);
  again.bridge_outage(3 * minute, 20 * minute);
  EXPECT_EQ(states(again), "");
}

TEST_F(resume_test, an_alert_that_ended_in_the_outage_is_resolved) {
  load(minute, "m 1 1 0");
  auto g = make("for: 0s");
  evaluate_and_note(g, 0);
  evaluate_and_note(g, minute);
  auto again = resumed(minute);
  again.bridge_outage(minute, 20 * minute);
  EXPECT_EQ(sent(evaluate(again, 20 * minute)), "{alertname=\"a\"} resolved 0-1200");
}

TEST_F(resume_test, a_store_of_prometheus_without_a_history_of_evaluations) {
  settings.grace_period_ms = minute;
  load(minute, "m 1x100");
  load(minute, "ALERTS_FOR_STATE{alertname=\"a\"} 0 0 0 0 0");
  auto g = make("for: 10m");
  const auto saved = newest_alerts(store, "", g.definition(), 0, 20 * minute);
  ASSERT_TRUE(saved.ok());
  g.expect(*saved);
  evaluate(g, 20 * minute);
  EXPECT_EQ(g.alerts_of(0).active()[0].active_at, 16 * minute);
}

}  // namespace
}  // namespace troupe::rules
