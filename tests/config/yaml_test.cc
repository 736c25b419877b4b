#include "config/yaml.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

std::string errors_of_yaml(std::string_view text, const yaml_limits& limits = {}) {
  yaml_node root;
  diagnostics errors;
  parse_yaml(text, "f.yml", limits, root, errors);
  return join(errors);
}

yaml_node parsed(std::string_view text) {
  yaml_node root;
  diagnostics errors;
  EXPECT_TRUE(parse_yaml(text, "f.yml", {}, root, errors)) << join(errors);
  return root;
}

TEST(yaml, keeps_values_and_positions) {
  const auto root = parsed("a: 1\nb:\n  - x\n  - \"2\"\nc: {d: ~}\n");
  ASSERT_EQ(root.type, yaml_node::kind::map);
  EXPECT_EQ(root.find("a")->text, "1");
  EXPECT_TRUE(root.find("a")->plain);
  const auto& list = *root.find("b");
  ASSERT_EQ(list.items.size(), 2u);
  EXPECT_EQ(list.items[1].text, "2");
  EXPECT_FALSE(list.items[1].plain);
  EXPECT_EQ(list.items[1].line, 4);
  EXPECT_EQ(list.items[1].column, 5);
  EXPECT_EQ(root.find("c")->find("d")->type, yaml_node::kind::null);
  EXPECT_EQ(root.find("nothing"), nullptr);
}

TEST(yaml, an_empty_document_is_null) {
  EXPECT_EQ(parsed("").type, yaml_node::kind::null);
  EXPECT_EQ(parsed("# only a comment\n").type, yaml_node::kind::null);
}

TEST(yaml, a_string_tag_makes_a_string) {
  EXPECT_FALSE(parsed("a: !!str true\n").find("a")->plain);
}

TEST(yaml, reports_every_duplicate_key) {
  EXPECT_EQ(errors_of_yaml("a: 1\nb:\n- c: 1\n  c: 2\na: 3\n"),
            "f.yml:4:3: b[0].c: key is already set in this mapping\n"
            "f.yml:5:1: a: key is already set in this mapping");
}

TEST(yaml, refuses_keys_that_are_no_strings) {
  EXPECT_EQ(errors_of_yaml("a:\n  [1, 2]: 3\n"), "f.yml:2:3: a: a key must be a string");
}

TEST(yaml, reports_syntax_errors_with_position) {
  EXPECT_EQ(errors_of_yaml("a: [1, 2\nb: 3\n"),
            "f.yml:2:2: invalid YAML: end of sequence flow not found");
  EXPECT_EQ(errors_of_yaml("a: 1\n b: 2\n"), "f.yml:2:3: invalid YAML: illegal map value");
}

TEST(yaml, refuses_a_second_document) {
  EXPECT_EQ(errors_of_yaml("a: 1\n---\nb: 2\n"), "f.yml:2:1: a file must hold one document");
  EXPECT_EQ(errors_of_yaml("---\na: 1\n"), "");
}

TEST(yaml, expands_aliases_and_merge_keys) {
  const auto root = parsed(
      "base: &b {x: 1, y: 2}\n"
      "one: {<<: *b, y: 3}\n"
      "two: {<<: [*b, {z: 4}]}\n"
      "three: *b\n");
  EXPECT_EQ(root.find("one")->find("x")->text, "1");
  EXPECT_EQ(root.find("one")->find("y")->text, "3");
  EXPECT_EQ(root.find("two")->find("z")->text, "4");
  EXPECT_EQ(root.find("three")->find("y")->text, "2");
  EXPECT_EQ(errors_of_yaml("a: {<<: 1}\n"),
            "f.yml:1:5: a[\"<<\"]: must be a mapping or a list of mappings");
}

TEST(yaml, stops_alias_bombs) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const auto n = std::to_string(i), p = std::to_string(i - 1);
    bomb += "a" + n + ": &a" + n + " [";
    for (int k = 0; k < 10; ++k)
      bomb += "*a" + p + (k < 9 ? ", " : "]\n");
  }
  EXPECT_EQ(errors_of_yaml(bomb), "f.yml:6:20: more than 500000 values");
}

TEST(yaml, stops_aliases_to_what_contains_them) {
  EXPECT_EQ(errors_of_yaml("a: &a [*a]\n"),
            "f.yml:1:8: an alias must not refer to what contains it");
}

TEST(yaml, stops_expanded_text) {
  yaml_limits limits;
  limits.max_expanded_bytes = 1000;
  const auto text = "a: &a " + std::string(400, 'x') + "\nb: [*a, *a]\n";
  EXPECT_EQ(errors_of_yaml(text, limits), "f.yml:2:5: more than 1000 bytes of values");
}

TEST(yaml, stops_deep_nesting) {
  EXPECT_EQ(errors_of_yaml(std::string(100, '[') + std::string(100, ']')),
            "f.yml:1:65: nested deeper than 64 levels");
  std::string blocks;
  for (int i = 0; i < 100; ++i)
    blocks += std::string(static_cast<size_t>(i), ' ') + "a:\n";
  EXPECT_EQ(errors_of_yaml(blocks), "f.yml:65:65: nested deeper than 64 levels");
  // Nothing is scanned of what could only be junk.
  EXPECT_EQ(errors_of_yaml(std::string(3'000'000, '[')),
            "f.yml: file is larger than 8388608 bytes or 500000 values");
}

TEST(yaml, refuses_files_that_are_too_large) {
  EXPECT_EQ(errors_of_yaml("a: " + std::string(9u << 20, 'x')),
            "f.yml: file is larger than 8388608 bytes or 500000 values");
}

TEST(yaml, paths_quote_what_is_no_identifier) {
  EXPECT_EQ(child_path("", "a"), "a");
  EXPECT_EQ(child_path("a", "b"), "a.b");
  EXPECT_EQ(child_path("a", "b.c"), "a[\"b.c\"]");
  EXPECT_EQ(item_path("a.b", 3), "a.b[3]");
}

TEST(yaml, locates_fields_or_what_is_left_of_them) {
  const auto root = parsed("a:\n- b: 1\n  c:\n    \"x.y\": 2\n");
  const auto position = [&](std::string field) {
    diagnostic d;
    d.field = std::move(field);
    locate(root, d);
    return std::pair(d.line, d.column);
  };
  EXPECT_EQ(position("a[0].b"), std::pair(2, 3));
  EXPECT_EQ(position("a[0].c[\"x.y\"]"), std::pair(4, 5));
  EXPECT_EQ(position("a[0].missing"), std::pair(2, 3));
  EXPECT_EQ(position("a[7].b"), std::pair(1, 1));
  EXPECT_EQ(position(""), std::pair(1, 1));
}

}  // namespace
}  // namespace troupe::config
