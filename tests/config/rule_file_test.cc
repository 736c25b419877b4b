#include "tests/config/config_fixture.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

std::vector<rule_group_config> groups_of(std::string_view text, diagnostics& errors,
                                         bool utf8 = true) {
  load_options o;
  o.check_expression = [](std::string_view expr) {
    return expr == "bad(" ? status(errc::invalid_argument, "unexpected end") : ok_status();
  };
  return parse_rule_file(text, "r.yml", utf8, o, errors);
}

std::string errors_of_rules(std::string_view text, bool utf8 = true) {
  diagnostics errors;
  groups_of(text, errors, utf8);
  return join(errors);
}

TEST(rule_file, reads_every_key) {
  diagnostics errors;
  const auto groups = groups_of(
      "groups:\n"
      "- name: g\n"
      "  interval: 30s\n"
      "  query_offset: 0s\n"
      "  limit: 5\n"
      "  labels: {team: a}\n"
      "  rules:\n"
      "  - {record: a:b, expr: sum(a), labels: {x: y}}\n"
      "  - {alert: Down, expr: up == 0, for: 5m, keep_firing_for: 1m, labels: {s: p}, annotations: "
      "{d: \"{{ $value }}\"}}\n"
      "- name: empty\n",
      errors);
  EXPECT_EQ(join(errors), "");
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].file, "r.yml");
  EXPECT_EQ(groups[0].interval_ms, 30'000);
  EXPECT_EQ(groups[0].query_offset_ms, 0);
  EXPECT_EQ(groups[0].limit, 5u);
  ASSERT_EQ(groups[0].rules.size(), 2u);
  EXPECT_EQ(groups[0].rules[0].record, "a:b");
  EXPECT_EQ(groups[0].rules[1].for_ms, 300'000);
  EXPECT_EQ(groups[0].rules[1].keep_firing_for_ms, 60'000);
  EXPECT_FALSE(groups[1].query_offset_ms);
  EXPECT_EQ(errors_of_rules(""), "");
}

TEST(rule_file, bad_files) {
  const auto rule = [](std::string_view keys) {
    return errors_of_rules("groups:\n- name: g\n  rules:\n  - {" + std::string(keys) + "}\n");
  };
  EXPECT_EQ(errors_of_rules("group: []\n"), "r.yml:1:1: group: unknown field");
  EXPECT_EQ(errors_of_rules("groups: [{rules: []}]\n"),
            "r.yml:1:10: groups[0]: groupname must not be empty");
  EXPECT_EQ(errors_of_rules("groups:\n- name: a\n- name: a\n"),
            "r.yml:3:3: groups[1].name: groupname: \"a\" is repeated in the same file");
  EXPECT_EQ(errors_of_rules("groups: [{name: a, labels: {__name__: x}}]\n"),
            "r.yml:1:29: groups[0].labels.__name__: invalid label name: __name__");
  EXPECT_EQ(rule("expr: a"),
            "r.yml:4:5: groups[0].rules[0]: one of 'record' or 'alert' must be set");
  EXPECT_EQ(rule("record: a, alert: b, expr: c"),
            "r.yml:4:6: groups[0].rules[0].record: only one of 'record' and 'alert' must be set");
  EXPECT_EQ(rule("record: a, expr: bad("),
            "r.yml:4:17: groups[0].rules[0].expr: could not parse expression: unexpected end");
  EXPECT_EQ(rule("record: a, expr: b, for: 1m, keep_firing_for: 1m, annotations: {c: d}"),
            "r.yml:4:56: groups[0].rules[0].annotations: invalid field 'annotations' in recording "
            "rule\n"
            "r.yml:4:26: groups[0].rules[0].for: invalid field 'for' in recording rule\n"
            "r.yml:4:35: groups[0].rules[0].keep_firing_for: invalid field 'keep_firing_for' in "
            "recording rule");
  EXPECT_EQ(rule("record: \"a{}\", expr: b"),
            "r.yml:4:6: groups[0].rules[0].record: braces present in the recording rule name; "
            "should it be in expr?: a{}");
  EXPECT_EQ(rule("alert: a, expr: b, annotations: {\"\": c}, labels: {\"\": d}"),
            "r.yml:4:56: groups[0].rules[0].labels[\"\"]: invalid label name: \n"
            "r.yml:4:39: groups[0].rules[0].annotations[\"\"]: invalid annotation name: ");
  EXPECT_EQ(rule("alert: a, expr: b, for: -1m"),
            "r.yml:4:30: groups[0].rules[0].for: not a valid duration string: \"-1m\"");
  EXPECT_EQ(errors_of_rules("groups: [{name: g, rules: [{record: a.b, expr: c}]}]\n", false),
            "r.yml:1:29: groups[0].rules[0].record: invalid recording rule name: a.b");
}

}  // namespace
}  // namespace troupe::config
