#include "pipeline/rules/definition.h"

#include "tests/pipeline/rules/rules_fixture.h"

namespace troupe::rules {
namespace {

class definition_test : public rules_fixture {
 protected:
  static std::string stages(const std::string& rules) {
    std::string out;
    const auto d = define(rules);
    for (const auto& stage : d->stages) {
      out += out.empty() ? "" : " | ";
      for (size_t i = 0; i < stage.size(); ++i)
        out += (i == 0 ? "" : " ") + std::to_string(stage[i]);
    }
    return out;
  }
};

TEST_F(definition_test, keys_of_the_group_and_defaults) {
  const auto d = define("  - {record: a, expr: 'sum(b)  by(c)', labels: {x: own, z: ''}}\n",
                        "  interval: 15s\n  query_offset: 5s\n  limit: 7\n"
                        "  labels: {x: group, y: group}\n");
  EXPECT_EQ(d->interval_ms, 15 * second);
  EXPECT_EQ(d->query_offset_ms, 5 * second);
  EXPECT_EQ(d->limit, 7u);
  EXPECT_EQ(d->rules[0].expr, "sum by (c) (b)");
  EXPECT_EQ(d->rules[0].labels, (text_map{{"x", "own"}, {"y", "group"}, {"z", ""}}));
  EXPECT_EQ(define("  - {record: a, expr: b}\n")->interval_ms, minute);
  EXPECT_EQ(define("  []\n")->stages.size(), 1u);
}

TEST_F(definition_test, an_expression_that_does_not_parse) {
  config::rule_group_config c;
  c.rules.push_back({.record = "a", .expr = "sum("});
  const auto got = define_group(c, {});
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.code(), errc::invalid_argument);
}

TEST_F(definition_test, independent_rules_share_a_stage) {
  EXPECT_EQ(stages("  - {record: a, expr: x}\n"
                   "  - {record: b, expr: 'rate(y[5m])'}\n"
                   "  - {alert: c, expr: z > 1}\n"),
            "0 1 2");
}

TEST_F(definition_test, a_reader_waits_for_what_stands_before_it) {
  EXPECT_EQ(stages("  - {record: a, expr: x}\n"
                   "  - {record: b, expr: 'sum(a)'}\n"
                   "  - {record: c, expr: '{__name__=~\"b|q\"}'}\n"
                   "  - {record: d, expr: x}\n"),
            "0 3 | 1 | 2");
}

TEST_F(definition_test, a_reader_sees_the_result_of_the_instant_before_of_what_stands_after_it) {
  // 1 may be stored only after 0 was evaluated; 0 waits for nothing.
  EXPECT_EQ(stages("  - {record: a, expr: b}\n"
                   "  - {record: b, expr: x}\n"),
            "0 1");
  EXPECT_EQ(stages("  - {record: q, expr: x}\n"
                   "  - {record: a, expr: b + q}\n"
                   "  - {record: b, expr: x}\n"),
            "0 | 1 2");
}

TEST_F(definition_test, selectors_without_a_name_may_read_everything) {
  EXPECT_EQ(stages("  - {record: a, expr: x}\n"
                   "  - {record: b, expr: 'count({job=\"j\"})'}\n"
                   "  - {record: c, expr: x}\n"),
            "0 | 1 2");
}

TEST_F(definition_test, alerts_write_two_series) {
  EXPECT_EQ(stages("  - {alert: a, expr: x}\n"
                   "  - {record: b, expr: 'count(ALERTS)'}\n"
                   "  - {record: c, expr: a}\n"),
            "0 2 | 1");
}

TEST_F(definition_test, templates_may_query) {
  EXPECT_EQ(stages("  - {record: a, expr: x}\n"
                   "  - {alert: b, expr: y, annotations: {s: '{{ query \"a\" }}'}}\n"),
            "0 | 1");
}

TEST_F(definition_test, key) {
  EXPECT_EQ(group_key("f.yml", "g"), "f.yml;g");
}

}  // namespace
}  // namespace troupe::rules
