#include "storage/base/regex.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

regex compiled(std::string_view pattern) {
  auto r = regex::compile(pattern);
  EXPECT_TRUE(r.ok()) << pattern;
  return *r;
}

TEST(regex, is_anchored_and_dot_matches_newline) {
  EXPECT_TRUE(compiled("a.c").matches("a\nc"));
  EXPECT_FALSE(compiled("b").matches("abc"));
  EXPECT_TRUE(compiled("").matches(""));
  EXPECT_FALSE(compiled("").matches("x"));
  EXPECT_TRUE(compiled("foo|bar.*").matches("barn"));
  EXPECT_FALSE(compiled("foo|bar.*").matches("foob"));
  EXPECT_TRUE(compiled("(?i)ABC").matches("abc"));
  EXPECT_FALSE(compiled("a").matches("a\n"));
}

TEST(regex, refuses_bad_and_huge_patterns) {
  for (const char* bad : {"(", "a)|(b", "*", "[a", "\\", "a{1001}"})
    EXPECT_FALSE(regex::compile(bad).ok()) << bad;
  EXPECT_EQ(regex::compile("((a{100}){100}){100}").ok(), false);
  EXPECT_EQ(regex::compile(std::string(2 << 20, 'a')).code(), errc::resource_exhausted);
  EXPECT_EQ(regex::compile("[a-z]{1000}[à-ü]{1000}\\pL{900}").code(), errc::resource_exhausted);
}

TEST(regex, tells_what_is_wrong) {
  const auto message = [](std::string_view pattern) {
    return std::string(regex::compile(pattern).error().message());
  };
  EXPECT_EQ(message("("), "error parsing regexp: missing closing ): `(`");
  EXPECT_EQ(message("a)|(b"), "error parsing regexp: unexpected ): `a)|(b`");
  EXPECT_EQ(message("[a"), "error parsing regexp: missing closing ]: `[a`");
  EXPECT_EQ(message("*"), "error parsing regexp: missing argument to repetition operator: `*`");
  EXPECT_EQ(message("a{1001}"), "error parsing regexp: invalid repeat count: `{1001}`");
  EXPECT_EQ(message("(?<x"), "error parsing regexp: invalid or unsupported Perl syntax: `(?<`");
  EXPECT_EQ(message("\\"), "error parsing regexp: trailing backslash at end of expression");
}

TEST(regex, knows_alternations_of_literals) {
  using list = std::vector<std::string>;
  EXPECT_EQ(compiled("a").literals(), (list{"a"}));
  EXPECT_EQ(compiled("b|a|b").literals(), (list{"a", "b"}));
  EXPECT_EQ(compiled("(a|b)").literals(), (list{"a", "b"}));
  EXPECT_EQ(compiled("(?:10\\.0|x-y)").literals(), (list{"10.0", "x-y"}));
  EXPECT_EQ(compiled("").literals(), (list{""}));
  EXPECT_EQ(compiled("a|").literals(), (list{"", "a"}));
  for (const char* other : {"a.b", "a+", "(a)(b)", "(?i)a", "\\d", "^a", "[ab]", "(a|b)c"})
    EXPECT_TRUE(compiled(other).literals().empty()) << other;
  EXPECT_TRUE(compiled("10\\.0|x").matches("10.0"));
  EXPECT_FALSE(compiled("10\\.0|x").matches("10x0"));
}

TEST(regex, expands_like_go) {
  const auto expand = [](std::string_view pattern, std::string_view text,
                         std::string_view replacement) {
    std::string out;
    return compiled(pattern).expand(text, replacement, out) ? out : std::string("no match");
  };
  EXPECT_EQ(expand("(.*):(\\d+)", "host:80", "$1-$2"), "host-80");
  EXPECT_EQ(expand("(.*):(\\d+)", "host:80", "${1}x$1x"), "hostx");
  EXPECT_EQ(expand("(?P<h>.*):.*", "host:80", "${h}/$h"), "host/host");
  EXPECT_EQ(expand("(a)|(b)", "a", "[$1][$2]"), "[a][]");
  EXPECT_EQ(expand("a", "a", "$$1 $0 $9 ${x} $"), "$1 a   $");
  EXPECT_EQ(expand("a", "a", "${1 $- ${}"), "${1 $- ${}");
  EXPECT_EQ(expand("(a)", "a", "$01"), "");
  EXPECT_EQ(expand("a", "b", "$0"), "no match");
}

std::string replaced(std::string_view pattern, std::string_view text, std::string_view by) {
  const auto re = search_regex::compile(pattern);
  EXPECT_TRUE(re.ok()) << pattern;
  const auto out = re->replace_all(text, by, 1 << 20);
  EXPECT_TRUE(out.ok()) << pattern;
  return *out;
}

TEST(search_regex, finds_anywhere) {
  EXPECT_TRUE(search_regex::compile("b.d")->found_in("abcde"));
  EXPECT_FALSE(search_regex::compile("b.d")->found_in("ab\nde"));
  EXPECT_FALSE(search_regex::compile("^b")->found_in("ab"));
  EXPECT_TRUE(search_regex::compile("")->found_in(""));
}

TEST(search_regex, replaces_as_go) {
  EXPECT_EQ(replaced("(.*):(.*)", "host:9090", "$1 at ${2}x"), "host at 9090x");
  EXPECT_EQ(replaced("a", "banana", "<$0>"), "b<a>n<a>n<a>");
  EXPECT_EQ(replaced("a*", "baaac", "x"), "xbxcx");
  EXPECT_EQ(replaced("", "höx", "-"), "-h-ö-x-");
  EXPECT_EQ(replaced("^", "ab", "x"), "xab");
  EXPECT_EQ(replaced("$", "ab", "x"), "abx");
  EXPECT_EQ(replaced("\\b", "ab cd", "|"), "|ab| |cd|");
  EXPECT_EQ(replaced("(?P<n>b)", "abc", "[$n][$nx][${n}x]$$"), "a[b][][bx]$c");
  EXPECT_EQ(replaced("z", "abc", "x"), "abc");
}

TEST(search_regex, bounds_the_result) {
  const auto re = search_regex::compile("(a+)");
  EXPECT_EQ(re->replace_all(std::string(1000, 'a'), "$1$1$1", 2000).code(),
            errc::resource_exhausted);
  EXPECT_EQ(re->replace_all(std::string(1000, 'b'), "", 999).code(), errc::resource_exhausted);
  EXPECT_EQ(search_regex::compile("(").error().message(),
            "error parsing regexp: missing closing ): `(`");
}

}  // namespace
}  // namespace troupe
