// The exact texts of errors, positions included: what a person sees under a query box.
#include "query/parser/parser.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::query {
namespace {

struct bad_query {
  const char* text;
  const char* error;  ///< without "parse error: "
};

constexpr bad_query syntax[] = {
    {"", "unknown position: no expression found in input"},
    {"# only a comment\n\n", "1:1: no expression found in input"},
    {"1 +", "1:4: unexpected end of input"},
    {"a +\n  b *", "2:6: unexpected end of input"},
    {"(1", "1:3: unclosed left parenthesis"},
    {"(1))", "1:5: unexpected right parenthesis ')'"},
    {")", "1:2: unexpected right parenthesis ')'"},
    {"a]", "1:2: unexpected right bracket ']'"},
    {"a,b", "1:2: unexpected \",\""},
    {"$x", "1:1: unexpected character: '$'"},
    {"\xc3\xa9", "1:1: unexpected character: 'é'"},
    {"a /* b", "1:4: unexpected <op:*>"},
    {"foo ! bar", "1:5: unexpected character after '!': ' '"},
    {"foo =~ bar", "1:5: unexpected character after '=': '~'"},
    {"foo bar", "1:5: unexpected identifier \"bar\""},
    {"foo:x bar:y", "1:7: unexpected metric identifier \"bar:y\""},
    {"foo 1.5", "1:5: unexpected number \"1.5\""},
    {"foo 'abcdefghijklm'", "1:5: unexpected string \"'abcdefghi\"..."},
    {"by + on", "1:8: unexpected end of input in grouping opts, expected \"(\""},
    {"by + group_left", "1:6: unexpected <group_left>"},
    {"bool", "1:1: unexpected <bool>"},
    {"foo + on", "1:9: unexpected end of input in grouping opts, expected \"(\""},
    {"foo + group_left(a) bar", "1:7: unexpected <group_left>"},
    {"2.5.5", "1:1: bad number or duration syntax: \"2.5.\""},
    {"1e", "1:1: bad number or duration syntax: \"1e\""},
    {"1__0", "1:1: bad number or duration syntax: \"1__\""},
    {"5mm", "1:1: bad number or duration syntax: \"5mm\""},
    {"0x", "1:1: error parsing number: strconv.ParseFloat: parsing \"0x\": invalid syntax"},
    {"1e999",
     "1:1: error parsing number: strconv.ParseFloat: parsing \"1e999\": value out of range"},
    {"5m1h", "1:1: not a valid duration string: \"5m1h\""},
    {"1.5m", "1:1: unknown unit \".\" in duration \"1.5m\""},
    {"5hs", "1:1: unknown unit \"hs\" in duration \"5hs\""},
    {"foo[99999999999999999999s]", "1:5: not a valid duration string: \"99999999999999999999s\""},
    {"foo[9999y]", "1:5: duration out of range"},
};

constexpr bad_query strings[] = {
    {"\"unterminated", "1:1: unterminated quoted string"},
    {"\"line\nbreak\"", "1:1: unterminated quoted string"},
    {"`raw", "1:1: unterminated raw string"},
    {R"("\q")", "1:1: unknown escape sequence U+0071 'q'"},
    {R"("\')", "1:1: unknown escape sequence U+0027 '''"},
    {R"("\xg0")", "1:1: illegal character U+0067 'g' in escape sequence"},
    {R"("\400")", "1:1: escape sequence is an invalid Unicode code point"},
    {R"("\ud800")", "1:1: escape sequence is an invalid Unicode code point"},
    {"\"\\", "1:1: escape sequence not terminated"},
    {"\"\xff\"", "1:1: invalid UTF-8 rune"},
};

constexpr bad_query selectors[] = {
    {"{}", "1:1: vector selector must contain at least one non-empty matcher"},
    {"{a=~\".*\",b!=\"x\"}", "1:1: vector selector must contain at least one non-empty matcher"},
    {"1 + {a=\"\"}", "1:5: vector selector must contain at least one non-empty matcher"},
    {"foo{__name__=\"bar\"}", "1:1: metric name must not be set twice: \"foo\" or \"bar\""},
    {"foo{\"bar\"}", "1:1: metric name must not be set twice: \"foo\" or \"bar\""},
    {"foo{", "1:5: unexpected end of input inside braces"},
    {"foo{{", "1:5: unexpected left brace '{'"},
    {"foo{1}", "1:5: unexpected character inside braces: '1'"},
    {"foo{bar=}", "1:9: unexpected \"}\" in label matching, expected string"},
    {"foo{\"bar\"=}", "1:11: unexpected \"}\" in label matching, expected string"},
    {"foo{bar!\"x\"}", "1:8: unexpected character after '!' inside braces: '\"'"},
    {"foo{a b}",
     "1:7: unexpected identifier \"b\" in label matching, expected label matching "
     "operator"},
    {"foo{a=\"b\" c=\"d\"}",
     "1:11: unexpected identifier \"c\" in label matching, expected \",\" or \"}\""},
    {"foo{a=\"b\",,}", "1:11: unexpected \",\" in label matching, expected identifier or \"}\""},
    {"foo{=\"x\"}", "1:5: unexpected \"=\" in label matching, expected identifier or \"}\""},
};

constexpr bad_query modifiers[] = {
    {"foo offset",
     "1:11: unexpected end of input in offset, expected number, duration, step(), "
     "or range()"},
    {"foo offset -",
     "1:13: unexpected end of input in offset, expected number, duration, step(), or range()"},
    {"foo[5m] offset 1m offset 2m", "1:1: offset may not be set multiple times"},
    {"1 offset 1m",
     "1:1: offset modifier must be preceded by an instant vector selector or "
     "range vector selector or a subquery"},
    {"sum(x) offset 1m",
     "1:1: offset modifier must be preceded by an instant vector selector "
     "or range vector selector or a subquery"},
    {"foo offset 1m[5m]", "1:14: no offset modifiers allowed before range"},
    {"foo @ 5[5m]", "1:8: no @ modifiers allowed before range"},
    {"foo @ bar", "1:7: unexpected identifier \"bar\" in @, expected timestamp"},
    {"foo @ start", "1:12: unexpected end of input in @, expected timestamp"},
    {"foo @ 1 @ 2", "1:1: @ <timestamp> may not be set multiple times"},
    {"foo @ start() @ 2", "1:1: @ <timestamp> may not be set multiple times"},
    {"foo @ Inf", "1:1: timestamp out of bounds for @ modifier: +Inf"},
    {"foo @ 1e30",
     "1:1: timestamp out of bounds for @ modifier: 1000000000000000019884624838656.000000"},
    {"(foo)[5m]", "1:6: ranges only allowed for vector selectors"},
    {"foo[5m][5m]", "1:8: ranges only allowed for vector selectors"},
    {"foo[5m:][5m:1m]", "1:1: subquery is only allowed on instant vector, got matrix instead"},
    {"1[5m:]", "1:1: subquery is only allowed on instant vector, got scalar instead"},
};

constexpr bad_query durations[] = {
    {"foo[", "1:5: unexpected end of input in duration expression"},
    {"foo[]",
     "1:5: unexpected \"]\" in subquery or range selector, expected number, duration, "
     "step(), or range()"},
    {"foo[a]", "1:5: unexpected character in duration expression: 'a'"},
    {"foo[5m", "1:7: unclosed left bracket"},
    {"foo[5m+]",
     "1:8: unexpected \"]\" in subquery or range selector, expected number, "
     "duration, step(), or range()"},
    {"foo[5m 5m]", "1:8: unexpected duration \"5m\" in subquery or range, expected \":\" or \"]\""},
    {"foo[5m:x]", "1:8: unexpected character: 'x', expected ':'"},
    {"foo[5m:1m 1m]", "1:11: unexpected duration \"1m\" in subquery selector, expected \"]\""},
    {"foo[5m:1m:1m]", "1:10: unexpected colon ':'"},
    {"foo[:1m]", "1:6: unexpected colon before duration in duration expression"},
    {"foo[[5m]]", "1:5: unexpected character in duration expression: '['"},
    {"foo[0]", "1:5: duration must be greater than 0"},
    {"foo[-5m]", "1:5: duration must be greater than 0"},
    {"foo[5m-5m]", "1:5: duration must be greater than 0"},
    {"foo[5m:0s]", "1:8: duration must be greater than 0"},
    {"foo[5m/0]", "1:7: division by zero"},
    {"foo[5m%0]", "1:7: modulo by zero"},
    {"foo[5m/(1-1)]", "1:5: division by zero"},
    {"foo[10^30]", "1:5: duration is out of range"},
    {"foo[1e30]", "1:5: duration out of range"},
};

constexpr bad_query aggregations[] = {
    {"sum()", "1:1: no arguments for aggregate expression provided"},
    {"topk(foo)",
     "1:1: wrong number of arguments for aggregate expression provided, expected "
     "2, got 1"},
    {"sum(foo, bar)",
     "1:1: wrong number of arguments for aggregate expression provided, "
     "expected 1, got 2"},
    {"sum(foo,)", "1:8: trailing commas not allowed in function call args"},
    {"sum(foo bar)", "1:9: unexpected identifier \"bar\" in aggregation"},
    {"sum by (x) foo", "1:12: unexpected identifier \"foo\" in aggregation"},
    {"sum some_metric by (test)", "1:5: unexpected identifier \"some_metric\""},
    {"sum(x) by (y) z", "1:15: unexpected identifier \"z\""},
    {"sum(x) by (y) by (z)", "1:15: unexpected <by>"},
    {"sum without(==)(foo)", "1:13: unexpected <op:==> in grouping opts, expected label"},
    {"sum by (foo bar) (x)",
     "1:13: unexpected identifier \"bar\" in grouping opts, expected \",\" or \")\""},
    {"sum by (a,,b) (x)", "1:11: unexpected \",\" in grouping opts, expected label"},
    {"sum by (\"\") (x)", "1:9: invalid label name for grouping: \"\""},
    {"topk(foo, bar)", "1:6: expected type scalar in aggregation parameter, got instant vector"},
    {"count_values(1, bar)", "1:14: expected type string in aggregation parameter, got scalar"},
    {"sum(1)", "1:5: expected type instant vector in aggregation expression, got scalar"},
    {"sum(foo[5m])",
     "1:5: expected type instant vector in aggregation expression, got range vector"},
    {"limitk(2, foo)",
     "1:1: limitk() is experimental and must be enabled with "
     "--enable-feature=promql-experimental-functions"},
};

constexpr bad_query calls[] = {
    {"unknown(foo)", "1:1: unknown function with name \"unknown\""},
    {"RATE(foo[5m])", "1:1: unknown function with name \"RATE\""},
    {"rate(foo)",
     "1:6: expected type range vector in call to function \"rate\", got instant vector"},
    {"rate(foo[5m], 3)", "1:1: expected 1 argument(s) in call to \"rate\", got 2"},
    {"label_join(foo, \"a\")",
     "1:1: expected at least 3 argument(s) in call to \"label_join\", got 2"},
    {"hour(foo, bar)", "1:1: expected at most 1 argument(s) in call to \"hour\", got 2"},
    {"round(foo, 1, 2)", "1:1: expected at most 2 argument(s) in call to \"round\", got 3"},
    {"label_join(foo, \"a\", \"b\", \"c\", 5)",
     "1:32: expected type string in call to function \"label_join\", got scalar"},
    {"abs(foo,)", "1:8: trailing commas not allowed in function call args"},
    {"info(foo)", "1:1: function \"info\" is not enabled"},
    {"step()", "1:1: function \"step\" is not enabled"},
    {"rate(foo[1h] offset", "1:20: unclosed left parenthesis"},
};

constexpr bad_query operators[] = {
    {"1 == 1", "1:3: comparisons between scalars must use BOOL modifier"},
    {"1 and 1", "1:1: set operator \"and\" not allowed in binary scalar expression"},
    {"foo unless 1", "1:1: set operator \"unless\" not allowed in binary scalar expression"},
    {"foo + bool bar", "1:5: bool modifier can only be used on comparison operators"},
    {"foo + on(a) group_left(a) bar",
     "1:5: label \"a\" must not occur in ON and GROUP clause at once"},
    {"foo and on(a) group_left() bar", "1:1: no grouping allowed for \"and\" operation"},
    {"foo + on(a) 1", "1:1: vector matching only allowed between instant vectors"},
    {"\"a\" + 1", "1:1: binary expression must contain only scalar and instant vector types"},
    {"1 + foo[5m]", "1:5: binary expression must contain only scalar and instant vector types"},
    {"-\"x\"",
     "1:1: unary expression only allowed on expressions of type scalar or instant "
     "vector, got \"string\""},
    {"-foo[5m]",
     "1:1: unary expression only allowed on expressions of type scalar or instant "
     "vector, got \"range vector\""},
    {"foo + fill(0) bar", "1:1: binop fill modifiers are experimental and not enabled"},
    {"foo[5m] anchored", "1:1: anchored modifier is experimental and not enabled"},
};

template <size_t N>
void expect_errors(const bad_query (&table)[N], const parse_options& options = {}) {
  for (const auto& q : table) {
    const auto r = parse(q.text, options);
    ASSERT_FALSE(r.ok()) << q.text;
    std::string want = q.error;
    const auto colon = want.find(": ");
    want = want.substr(0, colon) + ": parse error" + want.substr(colon);
    EXPECT_EQ(r.error().message(), want) << q.text;
    EXPECT_EQ(r.code(), errc::invalid_argument) << q.text;
  }
}

TEST(ParseError, Syntax) {
  expect_errors(syntax);
}
TEST(ParseError, Strings) {
  expect_errors(strings);
}
TEST(ParseError, Selectors) {
  expect_errors(selectors);
}
TEST(ParseError, Modifiers) {
  expect_errors(modifiers);
}
TEST(ParseError, Durations) {
  expect_errors(durations);
}
TEST(ParseError, Aggregations) {
  expect_errors(aggregations);
}
TEST(ParseError, Calls) {
  expect_errors(calls);
}
TEST(ParseError, Operators) {
  expect_errors(operators);
}

TEST(ParseError, OfExperimentalSyntaxWhereEnabled) {
  constexpr bad_query table[] = {
      {"foo + fill(x) bar", "1:12: unexpected identifier \"x\""},
      {"foo + fill_left(1) 1",
       "1:1: filling in missing series only allowed between instant vectors"},
      {"foo and fill(1) bar", "1:1: filling in missing series not allowed for set operators"},
      {"foo[5m:] anchored", "1:1: anchored modifier is not supported for subqueries"},
      {"foo[5m] anchored smoothed", "1:1: anchored and smoothed modifiers cannot be used together"},
      {"1 smoothed", "1:1: smoothed modifier not implemented"},
      {"info(foo, bar)", "1:11: expected label selectors only, got vector selector instead"},
      {"info(foo, sum(bar))", "1:11: expected label selectors only"},
  };
  expect_errors(table, parse_options::everything());
}

TEST(ParseError, DurationExpressionsCanBeSwitchedOff) {
  parse_options options;
  options.enable_duration_expressions = false;
  constexpr bad_query table[] = {
      {"foo[5m+1m]", "1:5: experimental duration expression is not enabled"},
      {"foo[(5m)]", "1:6: experimental duration expression is not enabled"},
      {"foo offset step()", "1:12: experimental duration expression is not enabled"},
  };
  expect_errors(table, options);
  EXPECT_TRUE(parse("foo[5m] offset -1m", options).ok());
}

TEST(ParseError, RegexIsNamed) {
  const auto r = parse("foo{a=~\"(\"}");
  ASSERT_FALSE(r.ok());
  EXPECT_TRUE(r.error().message().starts_with("1:5: parse error: ")) << r.error().message();
}

}  // namespace
}  // namespace troupe::query
