#include "pipeline/relabel/relabel.h"

#include "pipeline/relabel/letter_case.h"
#include "pipeline/relabel/md5.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe::relabel {
namespace {

using config::name_validation;
using config::relabel_action;
using config::relabel_config;
using pairs = std::vector<std::pair<std::string, std::string>>;

struct test_case {
  std::string what;
  pairs in;
  std::vector<relabel_config> rules;
  pairs want;
  bool dropped = false;
  name_validation validation = name_validation::utf8;
};

relabel_config rule(relabel_action action, std::vector<std::string> source = {},
                    std::string regex = "(.*)", std::string target = "",
                    std::string replacement = "$1") {
  relabel_config c;
  c.action = action;
  c.source_labels = std::move(source);
  c.regex = std::move(regex);
  c.target_label = std::move(target);
  c.replacement = std::move(replacement);
  return c;
}
relabel_config replace(std::vector<std::string> source, std::string regex, std::string target,
                       std::string replacement) {
  return rule(relabel_action::replace, std::move(source), std::move(regex), std::move(target),
              std::move(replacement));
}
relabel_config separated(relabel_config c, std::string separator) {
  c.separator = std::move(separator);
  return c;
}
relabel_config hashmod(std::vector<std::string> source, std::string target, uint64_t modulus) {
  auto c = rule(relabel_action::hashmod, std::move(source), "(.*)", std::move(target));
  c.modulus = modulus;
  return c;
}

void run(const std::vector<test_case>& cases) {
  for (const auto& t : cases) {
    const auto compiled = rules::compile(t.rules, t.validation);
    ASSERT_TRUE(compiled.ok()) << t.what << ": " << compiled.error().message();
    const auto got = compiled->apply(labels::from(t.in));
    ASSERT_EQ(!got.has_value(), t.dropped) << t.what;
    if (got) {
      EXPECT_EQ(got->to_string(), labels::from(t.want).to_string()) << t.what;
    }
  }
}

const pairs abc = {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}};

TEST(Relabel, Replace) {
  run({
      {"group into another label",
       abc,
       {replace({"a"}, "f(.*)", "d", "ch${1}-ch${1}")},
       {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "choo-choo"}}},
      {"two in order",
       abc,
       {replace({"a", "b"}, "f(.*);(.*)r", "a", "b${1}${2}m"),
        replace({"c", "a"}, "(b).*b(.*)ba(.*)", "d", "$1$2$2$3")},
       {{"a", "boobam"}, {"b", "bar"}, {"c", "baz"}, {"d", "boooom"}}},
      {"no match changes nothing",
       {{"a", "boo"}},
       {replace({"a"}, "f", "b", "bar")},
       {{"a", "boo"}}},
      {"anchored", {{"a", "xfoo"}}, {replace({"a"}, "foo", "b", "bar")}, {{"a", "xfoo"}}},
      {"empty result deletes",
       abc,
       {replace({"a"}, "(f).*", "b", "")},
       {{"a", "foo"}, {"c", "baz"}}},
      {"empty group deletes",
       {{"a", "foo"}, {"b", "x"}},
       {replace({"a"}, "foo(.*)", "b", "$1")},
       {{"a", "foo"}}},
      {"missing source is empty",
       {{"a", "foo"}},
       {replace({"none"}, "", "b", "set")},
       {{"a", "foo"}, {"b", "set"}}},
      {"no source, plain",
       {{"a", "foo"}},
       {replace({}, "(.*)", "b", "static")},
       {{"a", "foo"}, {"b", "static"}}},
      {"no source, copy deletes",
       {{"a", "foo"}, {"b", "x"}},
       {replace({}, "(.*)", "b", "$1")},
       {{"a", "foo"}}},
      {"separator",
       abc,
       {separated(replace({"a", "b"}, "(.*)", "d", "$1"), "-")},
       {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "foo-bar"}}},
      {"empty separator",
       abc,
       {separated(replace({"a", "b"}, "(.*)", "d", "$1"), "")},
       {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "foobar"}}},
      {"separators of absent labels stay",
       {{"b", "x"}},
       {replace({"a", "b", "c"}, "(.*)", "d", "$1")},
       {{"b", "x"}, {"d", ";x;"}}},
      {"target from groups",
       {{"a", "some-name-value"}},
       {replace({"a"}, "some-([^-]+)-([^,]+)", "${1}", "${2}")},
       {{"a", "some-name-value"}, {"name", "value"}}},
      {"target from groups, no match",
       {{"a", "some-name"}},
       {replace({"a"}, "some-([^-]+)-([^,]+)", "${1}", "${2}")},
       {{"a", "some-name"}}},
      {"target expands to nothing",
       {{"a", "foo"}},
       {replace({"a"}, "foo(x?)", "${1}", "v")},
       {{"a", "foo"}}},
      {"invalid legacy target does nothing",
       {{"a", "some-0x-value"}},
       {replace({"a"}, "some-([^-]+)-([^,]+)", "${1}", "${2}")},
       {{"a", "some-0x-value"}},
       false,
       name_validation::legacy},
      {"the same target is valid UTF-8",
       {{"a", "some-0x-value"}},
       {replace({"a"}, "some-([^-]+)-([^,]+)", "${1}", "${2}")},
       {{"a", "some-0x-value"}, {"0x", "value"}}},
      {"named group",
       {{"a", "foo-1"}},
       {replace({"a"}, "foo-(?P<n>[0-9])", "d", "<${n}>")},
       {{"a", "foo-1"}, {"d", "<1>"}}},
      {"$$ is a dollar",
       {{"a", "foo"}},
       {replace({"a"}, "foo", "d", "$$1")},
       {{"a", "foo"}, {"d", "$1"}}},
      {"greedy name: $1x is the group 1x",
       {{"a", "foo"}},
       {replace({"a"}, "f(.*)", "d", "$1x-")},
       {{"a", "foo"}, {"d", "-"}}},
      {"dot matches a line break",
       {{"a", "f\nx"}},
       {replace({"a"}, "f.x", "d", "y")},
       {{"a", "f\nx"}, {"d", "y"}}},
      {"later rules see earlier results",
       abc,
       {replace({"a"}, "(.*)", "t", "1$1"), replace({"t"}, "1(.*)", "a", "$1$1"),
        rule(relabel_action::labeldrop, {}, "t")},
       {{"a", "foofoo"}, {"b", "bar"}, {"c", "baz"}}},
      {"the Kubernetes port idiom",
       {{"__address__", "10.0.0.1"}, {"p", "9100"}},
       {replace({"__address__", "p"}, "([^:]+)(?::\\d+)?;(\\d+)", "__address__", "$1:$2")},
       {{"__address__", "10.0.0.1:9100"}, {"p", "9100"}}},
  });
}

TEST(Relabel, KeepAndDrop) {
  run({
      {"drop on match", abc, {rule(relabel_action::drop, {"a"}, ".*o.*")}, {}, true},
      {"drop without match", abc, {rule(relabel_action::drop, {"a"}, "f|o|fo")}, abc},
      {"drop of an absent label", abc, {rule(relabel_action::drop, {"x"}, "")}, {}, true},
      {"keep on match", abc, {rule(relabel_action::keep, {"a"}, "f.*")}, abc},
      {"keep without match", abc, {rule(relabel_action::keep, {"a"}, "no-match")}, {}, true},
      {"keep of a joined value", abc, {rule(relabel_action::keep, {"a", "b"}, "foo;bar")}, abc},
      {"rules after a drop do not run",
       abc,
       {rule(relabel_action::drop, {"a"}, "foo"), replace({"a"}, "(.*)", "d", "$1")},
       {},
       true},
      {"keepequal",
       {{"a", "x"}, {"b", "x"}},
       {rule(relabel_action::keepequal, {"a"}, "(.*)", "b")},
       {{"a", "x"}, {"b", "x"}}},
      {"keepequal differs", abc, {rule(relabel_action::keepequal, {"a"}, "(.*)", "b")}, {}, true},
      {"dropequal",
       {{"a", "x"}, {"b", "x"}},
       {rule(relabel_action::dropequal, {"a"}, "(.*)", "b")},
       {},
       true},
      {"dropequal differs", abc, {rule(relabel_action::dropequal, {"a"}, "(.*)", "b")}, abc},
      {"dropequal of two absent ones",
       {{"a", "x"}},
       {rule(relabel_action::dropequal, {"y"}, "(.*)", "z")},
       {},
       true},
      {"keepequal of joined sources",
       {{"a", "1"}, {"b", "2"}, {"c", "1;2"}},
       {rule(relabel_action::keepequal, {"a", "b"}, "(.*)", "c")},
       {{"a", "1"}, {"b", "2"}, {"c", "1;2"}}},
  });
}

TEST(Relabel, Hashmod) {
  run({
      // As in Prometheus: 976 for "bar" modulo 1000.
      {"one source",
       abc,
       {hashmod({"c"}, "d", 1000)},
       {{"a", "foo"}, {"b", "bar"}, {"c", "baz"}, {"d", "976"}}},
      {"line break in the value",
       {{"a", "foo\nbar"}},
       {hashmod({"a"}, "b", 1000)},
       {{"a", "foo\nbar"}, {"b", "734"}}},
      {"modulus 1", {{"a", "foo"}}, {hashmod({"a"}, "d", 1)}, {{"a", "foo"}, {"d", "0"}}},
  });
  // RFC 1321, A.5: MD5("") = d41d8cd98f00b204 e9800998ecf8427e, MD5("abc") = …d6963f7d28e17f72.
  EXPECT_EQ(md5_tail(""), 0xe9800998ecf8427eULL);
  EXPECT_EQ(md5_tail("abc"), 0xd6963f7d28e17f72ULL);
}

TEST(Relabel, LabelMapDropKeep) {
  run({
      {"labelmap with group",
       {{"a", "foo"}, {"b1", "bar"}, {"b2", "baz"}},
       {rule(relabel_action::labelmap, {}, "(b.*)", "", "bar_${1}")},
       {{"a", "foo"}, {"b1", "bar"}, {"b2", "baz"}, {"bar_b1", "bar"}, {"bar_b2", "baz"}}},
      {"labelmap of meta labels",
       {{"a", "foo"}, {"__meta_my_bar", "aaa"}, {"__meta_my_baz", "bbb"}, {"__meta_other", "ccc"}},
       {rule(relabel_action::labelmap, {}, "__meta_(my.*)", "", "${1}")},
       {{"a", "foo"},
        {"__meta_my_bar", "aaa"},
        {"__meta_my_baz", "bbb"},
        {"__meta_other", "ccc"},
        {"my_bar", "aaa"},
        {"my_baz", "bbb"}}},
      {"labelmap does not map its own results",
       {{"a", "1"}},
       {rule(relabel_action::labelmap, {}, "(.*)", "", "x$1")},
       {{"a", "1"}, {"xa", "1"}}},
      {"labelmap: the later name wins",
       {{"a1", "1"}, {"a2", "2"}},
       {rule(relabel_action::labelmap, {}, "a.", "", "b")},
       {{"a1", "1"}, {"a2", "2"}, {"b", "2"}}},
      {"labeldrop",
       {{"a", "foo"}, {"b1", "bar"}, {"b2", "baz"}},
       {rule(relabel_action::labeldrop, {}, "(b.*)")},
       {{"a", "foo"}}},
      {"labelkeep",
       {{"a", "foo"}, {"b1", "bar"}, {"b2", "baz"}},
       {rule(relabel_action::labelkeep, {}, "(b.*)")},
       {{"b1", "bar"}, {"b2", "baz"}}},
      {"labeldrop of all", {{"a", "foo"}}, {rule(relabel_action::labeldrop, {}, ".*")}, {}},
  });
}

TEST(Relabel, LetterCase) {
  run({
      {"both",
       {{"foo", "bAr123Foo"}},
       {rule(relabel_action::lowercase, {"foo"}, "(.*)", "low"),
        rule(relabel_action::uppercase, {"foo"}, "(.*)", "up")},
       {{"foo", "bAr123Foo"}, {"low", "bar123foo"}, {"up", "BAR123FOO"}}},
      {"absent source deletes the target",
       {{"up", "x"}},
       {rule(relabel_action::uppercase, {"none"}, "(.*)", "up")},
       {}},
  });
  EXPECT_EQ(to_lower("ÀÉ Ω Я z1"), "àé ω я z1");
  EXPECT_EQ(to_upper("àé ω я Z1 ß"), "ÀÉ Ω Я Z1 ß");
  EXPECT_EQ(to_lower("A\xff"
                     "B"),
            "a\xef\xbf\xbd"
            "b");
}

TEST(Relabel, CompileRefusesWhatCannotWork) {
  const auto bad = rules::compile(
      {
          rule(relabel_action::keep, {"a"}, "("),
      },
      name_validation::utf8);
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message().find("relabel rule 1"), std::string_view::npos);
  EXPECT_FALSE(rules::compile({hashmod({"a"}, "d", 0)}, name_validation::utf8).ok());
  const auto none = rules::compile({}, name_validation::utf8);
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
  EXPECT_EQ(none->apply(labels::from(abc))->to_string(), labels::from(abc).to_string());
}

TEST(Relabel, NameValidity) {
  EXPECT_TRUE(is_valid_label_name("a.b c", name_validation::utf8));
  EXPECT_FALSE(is_valid_label_name("a.b", name_validation::legacy));
  EXPECT_FALSE(is_valid_label_name("a:b", name_validation::legacy));
  EXPECT_TRUE(is_valid_metric_name("a:b", name_validation::legacy));
  EXPECT_FALSE(is_valid_metric_name("0a", name_validation::legacy));
  EXPECT_FALSE(is_valid_label_name("", name_validation::utf8));
  EXPECT_FALSE(is_valid_label_name("\xff", name_validation::utf8));
}

}  // namespace
}  // namespace troupe::relabel
