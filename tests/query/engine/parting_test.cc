// Which parts of an expression places may evaluate by themselves, and how they are merged.
#include "query/engine/parting.h"

#include "query/parser/parser.h"
#include "query/parser/printer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace troupe::query {
namespace {

parting::rules by_region() {
  return {.label = "region", .here = {60'000, 3'660'000, 90'000}};
}

std::string prefix(const parted_node& p) {
  constexpr std::string_view merges[] = {"", "count: ", "min: ", "max: ", "group: ", "rank: "};
  std::string out(merges[static_cast<size_t>(p.merge)]);
  if (p.used == order_use::full)
    out += "in order: ";
  if (p.used == order_use::of_zeros && !p.ordered)
    out += "zeros: ";
  return out;
}

void collect(const parting& parts, const expr& e, std::string& out) {
  if (const parted_node* p = parts.find(e)) {
    out += (out.empty() ? "" : " | ") + prefix(*p) + to_string(*p->root);
    return;
  }
  for (const expr* child : children(e))
    collect(parts, *child, out);
}

std::string parts_of(std::string_view text, const parting::rules& r = by_region()) {
  const auto e = parse(text, parse_options::everything());
  if (!e.ok())
    return std::string(e.error().message());
  EXPECT_TRUE(resolve_durations(**e, 15'000, 3'600'000).ok()) << text;
  const parting parts(**e, figure_selectors(**e), r);
  std::string out;
  collect(parts, **e, out);
  return out;
}

struct expectation {
  const char* text;
  const char* parts;  ///< null: the whole expression
};

void check(const std::vector<expectation>& table) {
  for (const auto& [text, parts] : table) {
    const auto e = parse(text, parse_options::everything());
    EXPECT_EQ(parts_of(text), parts ? parts : to_string(unwrap_parens(**e))) << text;
  }
}

TEST(Parting, Selectors) {
  check({{"up", nullptr},
         {"((up))", nullptr},
         {"up{region=~\"a|b\"}", nullptr},
         {"{__name__=~\"a|b\",job=\"x\"}", nullptr},
         {"up offset 5m", nullptr},
         {"up @ 5", "up @ 5.000"},
         {"up @ end() offset 5m", "up @ 3660.000 offset 5m"},
         {"up smoothed", ""},
         {"up[5m]", ""},
         {"1", ""},
         {"\"text\"", ""},
         {"time() + 1", ""},
         {"vector(1)", ""},
         {"vector(scalar(up))", "up"}});
}

// Of every function what is known; a new one is evaluated here until someone has thought about it.
TEST(Parting, Functions) {
  const std::vector<std::string_view> apart = {"abs",
                                               "acos",
                                               "acosh",
                                               "asin",
                                               "asinh",
                                               "atan",
                                               "atanh",
                                               "avg_over_time",
                                               "ceil",
                                               "changes",
                                               "clamp",
                                               "clamp_max",
                                               "clamp_min",
                                               "cos",
                                               "cosh",
                                               "count_over_time",
                                               "day_of_month",
                                               "day_of_week",
                                               "day_of_year",
                                               "days_in_month",
                                               "deg",
                                               "delta",
                                               "deriv",
                                               "exp",
                                               "first_over_time",
                                               "floor",
                                               "histogram_avg",
                                               "histogram_count",
                                               "histogram_fraction",
                                               "histogram_quantile",
                                               "histogram_stddev",
                                               "histogram_stdvar",
                                               "histogram_sum",
                                               "hour",
                                               "idelta",
                                               "increase",
                                               "irate",
                                               "label_join",
                                               "label_replace",
                                               "last_over_time",
                                               "ln",
                                               "log10",
                                               "log2",
                                               "max_over_time",
                                               "min_over_time",
                                               "minute",
                                               "month",
                                               "predict_linear",
                                               "present_over_time",
                                               "quantile_over_time",
                                               "rad",
                                               "rate",
                                               "resets",
                                               "round",
                                               "sgn",
                                               "sin",
                                               "sinh",
                                               "sqrt",
                                               "stddev_over_time",
                                               "stdvar_over_time",
                                               "sum_over_time",
                                               "tan",
                                               "tanh",
                                               "timestamp",
                                               "year"};
  size_t found = 0;
  for (const function_signature& f : functions()) {
    std::string args;
    bool series = false;
    for (const value_type type : f.arg_types()) {
      args += args.empty() ? "" : ", ";
      args += type == value_type::vector   ? "a"
              : type == value_type::matrix ? "a[5m]"
              : type == value_type::scalar ? "1"
                                           : "\"s\"";
      series = series || type == value_type::vector || type == value_type::matrix;
    }
    std::string text(f.name);
    text += f.name == "info" ? "(a, {s=\"s\"})" : "(" + args + ")";
    const bool whole = std::find(apart.begin(), apart.end(), f.name) != apart.end();
    found += whole ? 1 : 0;
    const bool reads = f.name == "absent_over_time" || f.name == "start_timestamp";
    const bool inner = series && !reads && text.find("a[5m]") == std::string::npos;
    EXPECT_EQ(parts_of(text), whole   ? to_string(**parse(text, parse_options::everything()))
                              : inner ? (f.name.starts_with("histogram_") ? "in order: a" : "a")
                                      : "")
        << text;
  }
  EXPECT_EQ(found, apart.size());
  check({{"day_of_week()", ""},
         {"rate(a[5m] offset 1h)", nullptr},
         {"rate(a[5m] anchored)", ""},
         {"rate(a[step() * 4])", "rate(a[1m])"},
         {"clamp_max(a, 1 + 2 * time())", nullptr},
         {"clamp_max(a, scalar(b))", "a | b"},
         {"clamp_max(a, step())", "a"},
         {"quantile_over_time(scalar(b), a[5m])", "b"},
         {"timestamp(a) + timestamp(b)", nullptr},
         {"sum(timestamp({job=\"x\"}))", ""},
         {"sum(timestamp(sort({job=\"x\"})))", "in order: {job=\"x\"}"},
         {"absent(a{region=\"x\"})", "a{region=\"x\"}"},
         {"absent(sum by (region) (a))", "sum by (region) (a)"},
         {"scalar(sum by (region) (a))", "sum by (region) (a)"},
         {"sort_desc(sum by (region) (a))", "sum by (region) (a)"},
         {"info(a{x=\"y\"})", "a{x=\"y\"}"}});
}

TEST(Parting, LabelFunctions) {
  check({{"label_replace(a, \"b\", \"$1\", \"c\", \"(.*)\")", nullptr},
         {"label_replace(a, \"region\", \"$1\", \"c\", \"(.*)\")", "a"},
         {"label_replace(a, \"b\", \"$1\", \"region\", \"(.*)\")", "a"},
         {"label_join(a, \"b\", \"-\", \"c\", \"d\")", nullptr},
         {"label_join(a, \"region\", \"-\", \"c\", \"d\")", "a"},
         {"label_join(a, \"b\", \"-\", \"c\", \"region\")", "a"},
         {"histogram_quantile(0.9, label_replace(a, \"region\", \"\", \"\", \"\"))", "in order: a"},
         {"sum by (region) (label_replace(a, \"region\", \"x\", \"\", \"\"))", "in order: a"}});
}

TEST(Parting, Subqueries) {
  check({{"max_over_time(rate(a[5m])[1h:1m])", nullptr},
         {"max_over_time(rate(a[5m])[1h:])", "max_over_time(rate(a[5m])[1h:1m30s])"},
         {"max_over_time(sum by (region) (a)[1h:1m] @ start())",
          "max_over_time(sum by (region) (a)[1h:1m] @ 60.000)"},
         {"max_over_time(sum(a)[1h:1m])", ""},
         {"max_over_time(vector(time())[1h:1m])", ""},
         {"max_over_time(count(max_over_time(a[5m:1m]))[1h:1m])", ""}});
}

TEST(Parting, Aggregations) {
  check({{"sum(a)", "in order: a"},
         {"sum(rate(a[5m]))", "in order: rate(a[5m])"},
         {"sum by (job) (a)", "in order: a"},
         {"sum by (region) (a)", nullptr},
         {"sum by (job, region) (rate(a[5m]))", nullptr},
         {"sum without (instance) (a)", nullptr},
         {"sum without (region) (a)", "in order: a"},
         {"avg by (region) (a)", nullptr},
         {"stddev by (region) (a)", nullptr},
         {"group by (region) (a)", nullptr},
         {"quantile by (region) (0.9, a)", nullptr},
         {"quantile by (region) (scalar(b), a)", "b | a"},
         {"quantile(0.9, sum by (region) (a))", "zeros: sum by (region) (a)"},
         {"topk by (region) (3, a)", nullptr},
         {"topk by (region) (3, a) > 5", "topk by (region) (3, a)"},
         {"+topk by (region) (3, a)", "topk by (region) (3, a)"},
         {"count by (region) (topk by (region) (3, a) > 5)", "topk by (region) (3, a)"},
         {"count by (region) (topk by (region) (3, a))", nullptr},
         {"limitk by (region) (3, a)", "in order: a"},
         {"limit_ratio by (region) (0.5, a)", "a"},
         {"count_values by (region) (\"v\", a)", nullptr},
         {"count_values without (job) (\"v\", a)", nullptr},
         {"count_values without (job) (\"region\", a)", "a"},
         {"count_values by (region) (\"region\", a)", "a"},
         {"count_values(\"v\", a)", "a"},
         {"sum by (region) (sum by (region, job) (a))", nullptr},
         {"sum by (region) (sum by (job) (a))", "in order: a"},
         {"sum(sum by (region) (a))", "in order: a"},
         {"stdvar(sum by (region) (a))", "in order: a"},
         {"stddev(abs(a))", "in order: abs(a)"}});
}

TEST(Parting, CombinedAggregations) {
  check({{"count(a)", "count: count(a)"},
         {"count by (job) (rate(a[5m]) > 0)", "count: count by (job) (rate(a[5m]) > 0)"},
         {"min(a)", "min: min(a)"},
         {"max without (region) (sum without (instance) (a))",
          "max: max without (region) (sum without (instance) (a))"},
         {"group(a)", "group: group(a)"},
         {"max(a) / count(b)", "max: max(a) | count: count(b)"},
         {"sum(count by (job) (a))", "in order: a"},
         {"abs(count by (job) (a))", "count: count by (job) (a)"},
         {"max(min by (job) (a))", "min: zeros: min by (job) (a)"},
         {"max(0 * min by (job) (a))", "in order: a"},
         {"max(0 * scalar(b) * sum by (region) (a))", "b | in order: a"},
         {"max(sum by (region) (a) > scalar(b))", "zeros: sum by (region) (a) | b"},
         {"topk(3, a)", "rank: topk(4, a)"},
         {"bottomk by (job) ((2.9), sum by (region, job) (a))",
          "rank: bottomk by (job) (3, sum by (region, job) (a))"},
         {"topk without (region) (1, a) > 5", "rank: topk without (region) (2, a)"},
         {"sum(topk(3, a))", "in order: a"},
         {"topk(3, topk(3, a))", "in order: a"},
         {"topk(scalar(b), a)", "b | in order: a"},
         {"topk(1 + 1, a)", "in order: a"},
         {"topk(0, a)", "in order: a"},
         {"topk(NaN, a)", "in order: a"},
         {"topk(1e9, a)", "in order: a"},
         {"topk(3, sum(a))", "in order: a"},
         {"count(count(a))", "count: count(a)"},
         {"count(limitk(1, a))", "in order: a"}});
}

TEST(Parting, OrderOfSeriesThatSumsAndTiesNeed) {
  check({{"sum(a + 1)", "in order: a + 1"},
         {"sum(-a)", "in order: -a"},
         {"sum({job=\"x\"})", "in order: {job=\"x\"}"},
         {"sum({job=\"x\"} > 1)", "in order: {job=\"x\"} > 1"},
         // The names, by which they are ordered, are lost.
         {"sum({job=\"x\"} + 1)", "in order: {job=\"x\"}"},
         {"sum(rate({job=\"x\"}[5m]))", ""},
         {"sum(last_over_time({job=\"x\"}[5m]))", "in order: last_over_time({job=\"x\"}[5m])"},
         {"sum(label_replace(a, \"b\", \"$1\", \"c\", \"(.*)\"))", "in order: a"},
         {"sum(a / b)", "in order: a / b"},
         {"sum({job=\"x\"} / b)", "in order: {job=\"x\"} | in order: b"},
         {"sum(a or b)", "in order: a | in order: b"},
         {"sum(a and {job=\"x\"})", "in order: a and {job=\"x\"}"},
         {"sum(a and on (job) sum by (job, region) (b))", "in order: a | sum by (job, region) (b)"},
         {"sum(a * on (region) group_left () sum by (region) (b))",
          "in order: a * on (region) group_left () sum by (region) (b)"},
         {"sum(a * on (region) group_left (x) sum by (region) (b))", "in order: a | in order: b"},
         {"sum(a * on (region) sum by (region) (b))", "in order: a | in order: b"},
         {"sum(histogram_quantile(0.9, a))", "in order: a"},
         // Over several steps the sorts leave the order as it is.
         {"sum(sort_by_label(sum by (region) (a), \"region\"))", "in order: a"},
         {"sum(sort(a))", "in order: a"}});
  auto r = by_region();
  r.metadata_labels = true;
  EXPECT_EQ(parts_of("sum(rate(a[5m]))", r), "") << "__type__ may have told series apart";
  EXPECT_EQ(parts_of("sum(a)", r), "in order: a");
  EXPECT_EQ(parts_of("rate(a[5m])", r), "rate(a[5m])");
}

TEST(Parting, BinaryOperators) {
  check({{"a + 1", nullptr},
         {"2 * a", nullptr},
         {"a > bool 1", nullptr},
         {"a ^ time()", nullptr},
         {"a + scalar(b)", "a | b"},
         {"a + range()", "a"},
         {"a </ 1", "a"},
         {"a + b", nullptr},
         {"a > b", nullptr},
         {"a + on (region) b", "a | b"},
         {"a + on (region, job) sum by (job, region) (b)", nullptr},
         {"sum by (region) (a) + on (region, job) sum by (job, region) (b)", nullptr},
         {"a + on (job) sum by (job) (b)", "a | in order: b"},
         {"a + on (region) sum by (job, region) (b)", "a | sum by (job, region) (b)"},
         {"a + ignoring (instance) b", "a | b"},
         {"a + ignoring (instance) sum without (instance) (b)", nullptr},
         {"a + ignoring (instance, job) sum without (instance) (b)",
          "a | sum without (instance) (b)"},
         {"a + ignoring (instance, x) sum by (region, job) (b)", nullptr},
         {"a + ignoring (region) b", "a | b"},
         {"a + {job=\"x\"}", "a | {job=\"x\"}"},
         {"{job=\"x\"} + a", nullptr},
         {"a + abs({job=\"x\"})", nullptr},
         {"a * on (region) group_left (x) sum by (region) (b)", nullptr},
         {"a * on (region, job) group_left (x) b", "a | b"},
         {"sum by (region) (b) * on (region) group_right () a", nullptr},
         {"a * ignoring (x) group_left (region) sum without (x) (b)", "a | sum without (x) (b)"},
         {"a + fill (0) b", "a | b"},
         {"a </ b", "a | b"},
         {"a + on (region) (b or c)", "a | b or c"}});
}

TEST(Parting, SetOperators) {
  check({{"a and b", nullptr},
         {"a or b", nullptr},
         {"a unless b", nullptr},
         {"a and on (region) b", nullptr},
         {"a and on (job) b", "a | b"},
         {"a unless on () b", "a | b"},
         {"a or ignoring (job) b", nullptr},
         {"a or ignoring (region) b", "a | b"},
         {"a or vector(0)", "a"},
         {"sum by (region) (a or b)", nullptr},
         {"a and topk by (region) (1, b)", nullptr},
         {"topk by (region) (1, b) and a", "topk by (region) (1, b) | a"}});
}

// How a histogram's resets are told depends on the functions above its selector.
TEST(Parting, FiguresOfHistogramsAreNotSplit) {
  check({{"histogram_count(rate(a[5m]))", nullptr},
         {"histogram_sum(sum by (region) (rate(a[5m])))", nullptr},
         {"histogram_sum(sum(rate(a[5m])))", ""},
         {"histogram_quantile(0.9, histogram_count(rate(a[5m])))", nullptr},
         {"histogram_quantile(scalar(b), histogram_count(rate(a[5m])))",
          "b | in order: rate(a[5m])"}});
}

TEST(Parting, LabelsThatCannotPart) {
  for (const std::string_view label : {"", "__name__", "__type__", "__unit__"}) {
    auto r = by_region();
    r.label = label;
    EXPECT_EQ(parts_of("up", r), "") << label;
  }
  auto r = by_region();
  r.delayed_names = true;
  EXPECT_EQ(parts_of("up", r), "");
  r = by_region();
  r.label = "le";
  EXPECT_EQ(parts_of("histogram_quantile(0.9, a)", r), "in order: a");
}

}  // namespace
}  // namespace troupe::query
