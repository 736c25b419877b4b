#include "pipeline/rules/rule_group.h"

#include "tests/pipeline/rules/rules_fixture.h"

namespace troupe::rules {
namespace {

class rule_group_test : public rules_fixture {
 protected:
  rule_group make(const std::string& rules, const std::string& keys = {}) {
    return {define(rules, keys), settings, clk};
  }
};

TEST_F(rule_group_test, recorded_series_have_the_rules_name_and_labels) {
  load(minute, "m{a=\"1\",b=\"x\"} 1 2");
  load(minute, "m{a=\"2\",b=\"x\"} 3 4");
  auto g =
      make("  - {record: r, expr: m, labels: {b: own, c: d}}\n", "  labels: {b: group, e: f}\n");
  evaluate(g, 0);
  evaluate(g, minute);
  EXPECT_EQ(stored("r"),
            "r{a=\"1\", b=\"own\", c=\"d\", e=\"f\"} 1@0 2@60; "
            "r{a=\"2\", b=\"own\", c=\"d\", e=\"f\"} 3@0 4@60");
  EXPECT_EQ(g.status_of(0).health, rule_health::good);
  EXPECT_EQ(g.samples(), 2u);
}

TEST_F(rule_group_test, an_empty_label_takes_one_away) {
  load(minute, "m{a=\"1\",b=\"x\"} 1");
  auto g = make("  - {record: r, expr: m, labels: {b: ''}}\n");
  evaluate(g, 0);
  EXPECT_EQ(stored("r"), "r{a=\"1\"} 1@0");
}

TEST_F(rule_group_test, scalars_and_histograms) {
  load(minute, "h {{schema:0 sum:5 count:4 buckets:[1 2 1]}}");
  auto g = make("  - {record: r, expr: '1 + 2'}\n  - {record: q, expr: h}\n");
  evaluate(g, 0);
  EXPECT_EQ(stored("r"), "r 3@0");
  EXPECT_EQ(stored("q"), "q histogram@0");
}

TEST_F(rule_group_test, the_query_offset_moves_reading_and_writing) {
  load(minute, "m 0+1x5");
  auto g = make("  - {record: r, expr: m}\n", "  query_offset: 1m\n");
  evaluate(g, 3 * minute);
  EXPECT_EQ(stored("r"), "r 2@120");
}

TEST_F(rule_group_test, rules_see_results_of_the_rules_before_them) {
  load(minute, "m 1 2");
  auto g = make(
      "  - {record: before, expr: after}\n"
      "  - {record: after, expr: m}\n"
      "  - {record: sum, expr: after * 10}\n");
  evaluate(g, 0);
  evaluate(g, minute);
  EXPECT_EQ(stored("before"), "before 1@60");
  EXPECT_EQ(stored("sum"), "sum 10@0 20@60");
}

TEST_F(rule_group_test, equal_expressions_of_a_stage_are_evaluated_once) {
  class counting final : public query_door {
   public:
    explicit counting(query_door& door) : door_(door) {}
    result<query::vector_value> evaluate(const query::expr& e, std::string_view text,
                                         timestamp_ms at, query::shared_calls& shared) override {
      ++calls;
      return door_.evaluate(e, text, at, shared);
    }
    result<query::vector_value> evaluate(std::string_view text, timestamp_ms at) override {
      return door_.evaluate(text, at);
    }
    int calls = 0;

   private:
    query_door& door_;
  } counted(door);
  load(minute, "m 3");
  auto g = make(
      "  - {record: a, expr: 'sum(m)'}\n"
      "  - {record: b, expr: 'sum (m)', labels: {x: y}}\n"
      "  - {alert: c, expr: 'sum(m)'}\n"
      "  - {record: d, expr: 'max(m)'}\n");
  for (const auto& o : g.evaluate(0, {0, false}, counted))
    put(*o.batch);
  EXPECT_EQ(counted.calls, 2);
  EXPECT_EQ(stored("{__name__=~\"a|b|d\"}"), "a 3@0; b{x=\"y\"} 3@0; d 3@0");
  EXPECT_NE(stored("ALERTS"), "");
}

TEST_F(rule_group_test, what_vanishes_is_marked_stale_once) {
  load(minute, "m{a=\"1\"} 1 1 1 1");
  load(minute, "m{a=\"2\"} 1 stale _ 5");
  auto g = make("  - {record: r, expr: m}\n");
  for (int i = 0; i < 4; ++i)
    evaluate(g, i * minute);
  EXPECT_EQ(stored("r{a=\"1\"}"), "r{a=\"1\"} 1@0 1@60 1@120 1@180");
  EXPECT_EQ(stored("r{a=\"2\"}"), "r{a=\"2\"} 1@0 stale@60 5@180");
}

TEST_F(rule_group_test, two_results_with_one_label_set_are_an_error) {
  load(minute, "m{a=\"1\"} 1 1 1");
  load(minute, "m{a=\"2\"} 1 stale");
  auto g = make("  - {record: r, expr: m, labels: {a: ''}}\n");
  evaluate(g, 0);
  EXPECT_EQ(g.status_of(0).health, rule_health::bad);
  EXPECT_EQ(g.status_of(0).last_error,
            "vector contains metrics with the same labelset after applying rule labels");
  EXPECT_EQ(stored("r"), "");
  EXPECT_EQ(g.failures(), 1u);
  evaluate(g, minute);
  EXPECT_EQ(g.status_of(0).health, rule_health::good);
  EXPECT_EQ(g.status_of(0).last_error, "");
  EXPECT_EQ(stored("r"), "r 1@60");
}

TEST_F(rule_group_test, more_series_than_the_limit_are_an_error_of_that_rule_alone) {
  load(minute, "m{a=\"1\"} 1");
  load(minute, "m{a=\"2\"} 1");
  auto g = make("  - {record: r, expr: m}\n  - {record: q, expr: sum(m)}\n", "  limit: 1\n");
  evaluate(g, 0);
  EXPECT_EQ(g.status_of(0).last_error, "exceeded limit of 1 with 2 series");
  EXPECT_EQ(stored("r"), "");
  EXPECT_EQ(stored("q"), "q 2@0");
}

TEST_F(rule_group_test, a_failing_rule_marks_nothing_stale) {
  load(minute, "m{a=\"1\"} 1 1 1");
  load(minute, "m{a=\"2\"} _ 1 stale");
  auto g = make("  - {record: r, expr: m, labels: {a: ''}}\n");
  for (int i = 0; i < 3; ++i)
    evaluate(g, i * minute);
  EXPECT_EQ(stored("r"), "r 1@0 1@120");
}

TEST_F(rule_group_test, a_string_is_no_result) {
  auto g = make("  - {record: r, expr: '\"text\"'}\n");
  evaluate(g, 0);
  EXPECT_EQ(g.status_of(0).last_error, "rule result is not a vector or scalar");
}

TEST_F(rule_group_test, what_the_storage_refused_shows_in_the_rules_health) {
  load(minute, "m 1 2");
  auto g = make("  - {record: r, expr: m}\n");
  g.evaluate(0, {0, false}, door);
  g.stored(0, {}, 3);
  EXPECT_EQ(g.status_of(0).last_error, "3 samples of the result were refused by the storage");
  g.evaluate(0, {minute, false}, door);
  g.stored(0, {errc::unavailable, "starting"}, 0);
  EXPECT_EQ(g.status_of(0).last_error, "starting");
}

TEST_F(rule_group_test, tables_are_kept_while_the_series_are_the_same) {
  load(minute, "m{a=\"1\"} 1 2 3");
  load(minute, "m{a=\"2\"} _ _ 3");
  auto g = make("  - {record: r, expr: m}\n");
  std::vector<batch_ptr> batches;
  for (int i = 0; i < 3; ++i) {
    batches.push_back(g.evaluate(0, {i * minute, false}, door).at(0).batch);
    g.stored(0, {}, 0);
  }
  EXPECT_EQ(batches[0]->table, batches[1]->table);
  EXPECT_NE(batches[1]->table, batches[2]->table);
  EXPECT_EQ(batches[0]->group, batches[2]->group);
}

TEST_F(rule_group_test, a_changed_group_takes_over_rules_of_the_same_name_and_labels) {
  load(minute, "m 1 1 1");
  auto old = make(
      "  - {record: kept, expr: m}\n"
      "  - {record: gone, expr: m}\n"
      "  - {alert: a, expr: m, for: 2m}\n");
  evaluate(old, 0);
  auto now = make(
      "  - {alert: a, expr: m > 0, for: 2m}\n"
      "  - {record: new, expr: m}\n"
      "  - {record: kept, expr: m > 5}\n");
  now.adopt(std::move(old));
  evaluate(now, minute);
  EXPECT_EQ(stored("kept"), "kept 1@0 stale@60");
  EXPECT_EQ(stored("gone"), "gone 1@0 stale@60");
  evaluate(now, 2 * minute);
  EXPECT_EQ(now.alerts_of(0).state(), alert_state::firing);
}

TEST_F(rule_group_test, the_end_of_a_group_marks_all_it_wrote) {
  load(minute, "m{a=\"1\"} 1");
  load(minute, "m{a=\"2\"} 1");
  auto g = make("  - {record: r, expr: m}\n");
  EXPECT_EQ(g.end_series(0), nullptr);
  evaluate(g, 0);
  put(*g.end_series(30 * second));
  EXPECT_EQ(stored("r"), "r{a=\"1\"} 1@0 stale@30; r{a=\"2\"} 1@0 stale@30");
}

}  // namespace
}  // namespace troupe::rules
