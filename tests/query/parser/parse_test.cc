// The trees of valid expressions.
#include "query/parser/parser.h"
#include "query/parser/printer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace troupe::query {
namespace {

expr_ptr parsed(std::string_view text) {
  auto r = parse(text, parse_options::everything());
  EXPECT_TRUE(r.ok()) << text << ": " << r.error().message();
  return r.ok() ? std::move(*r) : nullptr;
}

// Every binary operation in parentheses: shows how the parser groups.
std::string grouped(const expr& e) {
  if (e.kind == node_kind::binary) {
    const auto& b = as<binary_expr>(e);
    return "(" + grouped(*b.lhs) + std::string(to_string(b.op)) + grouped(*b.rhs) + ")";
  }
  if (e.kind == node_kind::unary)
    return std::string(as<unary_expr>(e).negate ? "(-" : "(+") +
           grouped(*as<unary_expr>(e).operand) + ")";
  return to_string(e);
}

TEST(Parse, PrecedenceAndAssociativity) {
  const std::pair<const char*, const char*> table[] = {
      {"1 + 2 * 3", "(1+(2*3))"},
      {"1 * 2 + 3", "((1*2)+3)"},
      {"1 - 2 - 3", "((1-2)-3)"},
      {"2 ^ 3 ^ 2", "(2^(3^2))"},
      {"-2 ^ 2", "(-(2^2))"},
      {"2 ^ -1 * 3", "((2^-1)*3)"},
      {"2 ^ -1 ^ 2", "(2^(-(1^2)))"},
      {"-a * b", "((-a)*b)"},
      {"--a", "(-(-a))"},
      {"- -1", "1"},
      {"a % b / c atan2 d", "(((a%b)/c)atan2d)"},
      {"a + b > bool c * d", "((a+b)>(c*d))"},
      {"a or b and c unless d", "(aor((bandc)unlessd))"},
      {"a and b or c and d", "((aandb)or(candd))"},
      {"a == b + 1 or c", "((a==(b+1))orc)"},
      {"a </ 1 >/ 2", "((a</1)>/2)"},
      {"a offset 5m ^ 2", "(a offset 5m^2)"},
      {"a offset -2 ^ 2", "(a offset -2s^2)"},
      {"a offset 100 + 2", "(a offset 1m40s+2)"},
      {"a offset -step()*2", "(a offset -step()*2)"},
      {"a offset min_of(1m, 2m) + 3", "(a offset min_of(1m, 2m)+3)"},
      {"a AND b OR c", "((aandb)orc)"},
  };
  for (const auto& [text, want] : table) {
    const auto e = parsed(text);
    ASSERT_NE(e, nullptr) << text;
    EXPECT_EQ(grouped(*e), want) << text;
  }
}

TEST(Parse, Numbers) {
  const std::pair<const char*, double> table[] = {
      {"1", 1},
      {"+5", 5},
      {"-0.5", -0.5},
      {".5", 0.5},
      {"5.", 5},
      {"1e-3", 1e-3},
      {"1E6", 1e6},
      {"0x1F", 31},
      {"-0xff", -255},
      {"0755", 493},
      {"089", 89},
      {"1_000_000", 1e6},
      {"0x_1f", 31},
      {"1_2.3_4e1_0", 12.34e10},
      {"5m", 300},
      {"1h30m", 5400},
      {"1s500ms", 1.5},
      {"-1d", -86400},
      {"0", 0},
      {"1e-999", 0},
      {"Inf", std::numeric_limits<double>::infinity()},
      {"-inf", -std::numeric_limits<double>::infinity()},
      {"9223372036854775808", 9223372036854775808.0},
  };
  for (const auto& [text, want] : table) {
    const auto e = parsed(text);
    ASSERT_TRUE(e != nullptr && e->kind == node_kind::number) << text;
    EXPECT_EQ(as<number_literal>(*e).value, want) << text;
  }
  EXPECT_TRUE(std::isnan(as<number_literal>(*parsed("nan")).value));
  EXPECT_TRUE(as<number_literal>(*parsed("5m")).duration);
  EXPECT_FALSE(as<number_literal>(*parsed("5")).duration);
}

TEST(Parse, Strings) {
  const std::pair<const char*, std::string_view> table[] = {
      {R"("a\"b\n\t\\")", "a\"b\n\t\\"},
      {R"('it\'s "x"')", "it's \"x\""},
      {R"(`raw \n "'`)", "raw \\n \"'"},
      {R"("\x41\u00e9\U0001F600\101")", "A\u00e9\U0001F600A"},
      {R"("\xff")", "\xff"},
      {R"("héllo")", "héllo"},
      {"`two\nlines`", "two\nlines"},
      {R"("")", ""},
  };
  for (const auto& [text, want] : table) {
    const auto e = parsed(text);
    ASSERT_TRUE(e != nullptr && e->kind == node_kind::string) << text;
    EXPECT_EQ(as<string_literal>(*e).value, want) << text;
  }
}

TEST(Parse, VectorSelector) {
  const auto e = parsed("foo{a=\"b\", c!=\"d\", e=~\"f|g\", h!~`i\\d`,} offset 5m @ 1.5");
  const auto& v = as<vector_selector>(*e);
  EXPECT_EQ(v.name, "foo");
  ASSERT_EQ(v.match.size(), 5U);
  EXPECT_EQ(v.match[0].to_string(), "a=\"b\"");
  EXPECT_EQ(v.match[1].op(), match_op::not_equal);
  EXPECT_EQ(v.match[2].op(), match_op::regex);
  EXPECT_EQ(v.match[3].value(), "i\\d");
  EXPECT_EQ(v.match[4].to_string(), "__name__=\"foo\"");
  EXPECT_EQ(v.shift.offset_ms, 300'000);
  EXPECT_EQ(v.shift.at, 1500);
  EXPECT_EQ(v.type(), value_type::vector);
}

TEST(Parse, Utf8Names) {
  const auto e = parsed(R"({"a.b", "l.x"="v", 'ü'=~"x"})");
  const auto& v = as<vector_selector>(*e);
  EXPECT_EQ(v.name, "");
  EXPECT_EQ(v.match[0].to_string(), "__name__=\"a.b\"");
  EXPECT_EQ(v.match[1].name(), "l.x");
  EXPECT_EQ(v.match[2].name(), "ü");
  const auto s = parsed(R"(sum by ("a.b", c) (x))");
  EXPECT_EQ(as<aggregate_expr>(*s).grouping, (std::vector<std::string>{"a.b", "c"}));
}

TEST(Parse, KeywordsAreNamesWhereTheyCan) {
  for (const char* text : {"sum",
                           "avg{a=\"b\"}",
                           "by",
                           "without",
                           "offset",
                           "and + or",
                           "unless",
                           "start",
                           "end",
                           "step",
                           "range",
                           "min_of",
                           "max_of",
                           "topk",
                           "limitk",
                           "anchored",
                           "smoothed",
                           "fill",
                           "fill_left + fill_right",
                           "sum by (on, ignoring, bool, sum, offset, atan2, inf_) (x)",
                           "x{on=\"1\",by=\"2\",bool=\"3\",inf=\"4\"}",
                           "start{a=\"1\"} @ start()",
                           "sum by (by) (by)",
                           "rate(sum[5m])"})
    EXPECT_NE(parsed(text), nullptr);
}

TEST(Parse, AtModifier) {
  EXPECT_EQ(as<vector_selector>(*parsed("a @ -1.5")).shift.at, -1500);
  EXPECT_EQ(as<vector_selector>(*parsed("a @ +5m")).shift.at, 300'000);
  EXPECT_EQ(as<vector_selector>(*parsed("a @ start()")).shift.at_edge, at_preprocessor::start);
  EXPECT_EQ(as<matrix_selector>(*parsed("a[5m] @ end()")).vector().shift.at_edge,
            at_preprocessor::end);
  EXPECT_EQ(as<subquery_expr>(*parsed("a[5m:] offset 1m @ 7")).shift.at, 7000);
}

TEST(Parse, RangesAndSubqueries) {
  const auto m = parsed("a{b=\"c\"}[1h30m] offset -1w smoothed");
  EXPECT_EQ(as<matrix_selector>(*m).range_ms, 5'400'000);
  EXPECT_EQ(as<matrix_selector>(*m).vector().shift.offset_ms, -7LL * 86'400'000);
  EXPECT_TRUE(as<matrix_selector>(*m).vector().smoothed);
  EXPECT_EQ(m->type(), value_type::matrix);
  const auto s = parsed("rate(a[5m])[1h:30s]");
  EXPECT_EQ(as<subquery_expr>(*s).range_ms, 3'600'000);
  EXPECT_EQ(as<subquery_expr>(*s).step_ms, 30'000);
  EXPECT_EQ(as<subquery_expr>(*parsed("a[1800:]")).step_ms, 0);
  EXPECT_EQ(as<matrix_selector>(*parsed("a[0.25]")).range_ms, 250);
}

TEST(Parse, ConstantDurationsAreFolded) {
  const std::pair<const char*, int64_t> table[] = {
      {"a[29m+60s]", 1'800'000},
      {"a[24m+((1.5*2m)+2m)]", 1'740'000},
      {"a[1h/2]", 1'800'000},
      {"a[30m1s-30m1s % 1m]", 1'800'000},
      {"a[2^3]", 8000},
      {"a[-(1-3)]", 2000},
      {"a[min_of(1m, 30s)]", 30'000},
      {"a[MAX_OF(1m, 30s)]", 60'000},
      {"a[0.1*3]", 300},
  };
  for (const auto& [text, want] : table) {
    const auto e = parsed(text);
    EXPECT_EQ(as<matrix_selector>(*e).range_ms, want) << text;
    EXPECT_NE(as<matrix_selector>(*e).range_expr, nullptr) << text;
  }
  EXPECT_EQ(as<vector_selector>(*parsed("a offset (-2 ^ 2)")).shift.offset_ms, -4000);
  EXPECT_EQ(as<vector_selector>(*parsed("a offset -(20*2)")).shift.offset_ms, -40'000);
}

TEST(Parse, DurationsOfTheQueryAreResolvedLater) {
  const auto e =
      parsed("sum_over_time((a offset -step())[step()*2+range():step()] offset -range())");
  ASSERT_TRUE(resolve_durations(*e, 15'000, 60'000).ok());
  const auto& s = as<subquery_expr>(*as<call_expr>(*e).args[0]);
  EXPECT_EQ(s.range_ms, 90'000);
  EXPECT_EQ(s.step_ms, 15'000);
  EXPECT_EQ(s.shift.offset_ms, -60'000);
  EXPECT_EQ(as<vector_selector>(unwrap_parens(*s.inner)).shift.offset_ms, -15'000);
  // A range that turns out not to be positive, a division by zero.
  EXPECT_EQ(resolve_durations(*parsed("rate(a[step()-1m])"), 15'000, 0).message(),
            "duration must be greater than 0");
  EXPECT_EQ(resolve_durations(*parsed("a offset (1/step())"), 0, 0).message(), "division by zero");
  EXPECT_TRUE(resolve_durations(*parsed("a offset (step() % 7)"), 15'000, 0).ok());
}

TEST(Parse, BinaryModifiers) {
  const auto e = parsed("a > bool on(x, \"y z\") group_left(w,) fill_left(-1) fill_right(Inf) b");
  const auto& b = as<binary_expr>(*e);
  EXPECT_TRUE(b.return_bool);
  ASSERT_TRUE(b.matching);
  EXPECT_TRUE(b.matching->on);
  EXPECT_EQ(b.matching->labels, (std::vector<std::string>{"x", "y z"}));
  EXPECT_EQ(b.matching->card, vector_card::many_to_one);
  EXPECT_EQ(b.matching->include, (std::vector<std::string>{"w"}));
  EXPECT_EQ(b.matching->fill_left, -1);
  EXPECT_EQ(b.matching->fill_right, std::numeric_limits<double>::infinity());
  EXPECT_EQ(as<binary_expr>(*parsed("a and b")).matching->card, vector_card::many_to_many);
  EXPECT_EQ(as<binary_expr>(*parsed("a / ignoring(x) group_right b")).matching->card,
            vector_card::one_to_many);
  EXPECT_FALSE(as<binary_expr>(*parsed("a + 1")).matching);
  const auto f = parsed("a + fill(5m) b");
  EXPECT_EQ(as<binary_expr>(*f).matching->fill_left, 300);
  EXPECT_EQ(as<binary_expr>(*f).matching->fill_right, 300);
}

TEST(Parse, Aggregations) {
  for (const char* text : {"topk by (a) (3, x)", "topk(3, x) by (a)", "TOPK BY(a,)(3, x)"}) {
    const auto e = parsed(text);
    const auto& a = as<aggregate_expr>(*e);
    EXPECT_EQ(a.op, agg_op::topk) << text;
    EXPECT_EQ(as<number_literal>(*a.param).value, 3) << text;
    EXPECT_EQ(a.grouping, std::vector<std::string>{"a"}) << text;
    EXPECT_FALSE(a.without) << text;
  }
  EXPECT_TRUE(as<aggregate_expr>(*parsed("sum without () (x)")).without);
  EXPECT_EQ(as<aggregate_expr>(*parsed("limit_ratio(0.5, x)")).op, agg_op::limit_ratio);
}

TEST(Parse, Types) {
  EXPECT_EQ(parsed("1 + 2")->type(), value_type::scalar);
  EXPECT_EQ(parsed("1 + a")->type(), value_type::vector);
  EXPECT_EQ(parsed("(((1)))")->type(), value_type::scalar);
  EXPECT_EQ(parsed("-a")->type(), value_type::vector);
  EXPECT_EQ(parsed("time()")->type(), value_type::scalar);
  EXPECT_EQ(parsed("\"x\"")->type(), value_type::string);
  EXPECT_EQ(parsed("a[5m:]")->type(), value_type::matrix);
}

TEST(Parse, Positions) {
  const auto e = parsed("  sum(rate(a{b=\"c\"}[5m] offset 1m)) + -x");
  EXPECT_EQ(e->pos, (position_range{2, 40}));
  const auto& sum = as<aggregate_expr>(*as<binary_expr>(*e).lhs);
  EXPECT_EQ(sum.pos, (position_range{2, 35}));
  EXPECT_EQ(sum.operand->pos, (position_range{6, 34}));
  EXPECT_EQ(as<call_expr>(*sum.operand).args[0]->pos, (position_range{11, 33}));
  EXPECT_EQ(as<binary_expr>(*e).rhs->pos, (position_range{38, 40}));
  EXPECT_EQ(e->height, 5);  // + sum rate a[] a
}

TEST(Parse, CommentsAndSpace) {
  EXPECT_EQ(
      to_string(*parsed("# first\nsum ( # inner\n\ta{ # in braces\n b = \"1\" }\r\n) # last")),
      "sum(a{b=\"1\"})");
}

TEST(Parse, CloneIsEqualAndIndependent) {
  const auto e = parsed(
      "topk(2, sum by (a) (-rate(x{y=\"z\"}[step():1m] @ end() offset (1m*2)) > bool on(a) y)) "
      "or label_replace(b, \"c\", \"d\", \"e\", \"f\") == max_over_time(abs(y)[5m:] @ 3) + 4");
  ASSERT_NE(e, nullptr);
  const auto copy = e->clone();
  EXPECT_EQ(to_string(*copy), to_string(*e));
  EXPECT_EQ(copy->height, e->height);
}

TEST(Parse, MetricSelector) {
  const auto r = parse_metric_selector("up{job=\"a\",x!=\"\"}");
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(r->size(), 3U);
  EXPECT_FALSE(parse_metric_selector("up offset 5m").ok());
  EXPECT_FALSE(parse_metric_selector("rate(up[5m])").ok());
  EXPECT_FALSE(parse_metric_selector("1").ok());
  EXPECT_FALSE(parse_metric_selector("").ok());
  EXPECT_EQ(parse_metric_selector("{a=~\".*\"}").error().message(),
            "match[] must contain at least one non-empty matcher");
}

TEST(Parse, SeriesLabels) {
  const auto r = parse_series_labels(R"(foo{a="b", "c d"='e',})");
  ASSERT_TRUE(r.ok()) << r.error().message();
  EXPECT_EQ(r->to_string(),
            labels::from({{"__name__", "foo"}, {"a", "b"}, {"c d", "e"}}).to_string());
  size_t used = 0;
  EXPECT_EQ(parse_series_labels("{} 5", &used)->size(), 0U);
  EXPECT_EQ(used, 2U);
  EXPECT_EQ(parse_series_labels("sum 1 2", &used)->metric_name(), "sum");
  EXPECT_EQ(parse_series_labels(R"({"m.x", a="b"})")->metric_name(), "m.x");
  EXPECT_FALSE(parse_series_labels("foo 5").ok());
  EXPECT_FALSE(parse_series_labels("foo{a=~\"b\"}").ok());
  EXPECT_FALSE(parse_series_labels("foo{a}").ok());
}

TEST(Functions, AreThoseOfPrometheus) {
  EXPECT_EQ(functions().size(), 90U);
  EXPECT_EQ(find_function("rate")->name, "rate");
  EXPECT_EQ(find_function("nope"), nullptr);
  size_t experimental = 0;
  for (const auto& f : functions())
    experimental += f.experimental ? 1 : 0;
  EXPECT_EQ(experimental, 17U);
  EXPECT_FALSE(find_function("first_over_time")->experimental);
}

}  // namespace
}  // namespace troupe::query
