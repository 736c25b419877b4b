// What counts as passed, failed and skipped, with an engine that answers from a table.
#include "query/promqltest/runner.h"

#include "query/promqltest/compare.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>

namespace troupe::query {
namespace {

class table_backend : public script_backend {
 public:
  status clear() override {
    log += "clear;";
    return {};
  }
  status load(std::span<const loaded_series> series) override {
    for (const auto& s : series)
      log += "load " + s.series.to_string() + ";";
    return load_status;
  }
  result<query_result> instant(std::string_view expr, timestamp_ms ts) override {
    log += "instant " + std::string(expr) + "@" + std::to_string(ts) + ";";
    if (const auto it = errors.find(std::string(expr)); it != errors.end())
      return status(errc::invalid_argument, it->second);
    return answers.at(std::string(expr));
  }
  result<query_result> range(std::string_view expr, timestamp_ms, timestamp_ms, int64_t) override {
    return answers.at("range " + std::string(expr));
  }

  void answer(const std::string& expr, query_value v, std::vector<std::string> warnings = {}) {
    answers[expr] = {std::move(v), std::move(warnings), {}, {}};
  }

  std::map<std::string, query_result> answers;
  std::map<std::string, std::string> errors;
  status load_status;
  std::string log;
};

labels named(std::string name) {
  return labels::from({{"__name__", std::move(name)}});
}

// Runs one script; the outcome of each eval as "+", "-" or "s", then the details of failures.
std::string outcome(table_backend& backend, std::string_view text) {
  const auto s = parse_script("x.test", text);
  if (!s.ok())
    return std::string(s.error().message());
  const auto report = run_script(*s, backend, {.variants = false});
  std::string out;
  for (const auto& e : report.evals)
    out += e.verdict == eval_verdict::passed ? "+" : e.verdict == eval_verdict::failed ? "-" : "s";
  return out;
}

TEST(Runner, ComparesVectors) {
  table_backend b;
  b.answer("a", vector_value{{named("x"), 0, 1, nullptr}, {named("y"), 0, 2, nullptr}});
  b.answer("range a", matrix_value{{named("x"), {{0, 1}}, {}}, {named("y"), {{0, 2}}, {}}});
  EXPECT_EQ(outcome(b, "eval instant at 0 a\n y 2\n x 1\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 a\n x 1\n y 2.0000001\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 a\n x 1\n y 2.1\n"), "-");
  EXPECT_EQ(outcome(b, "eval instant at 0 a\n x 1\n"), "-");
  EXPECT_EQ(outcome(b, "eval instant at 0 a\n x 1\n y 2\n z 3\n"), "-");
  EXPECT_EQ(outcome(b, "eval instant at 0 a\n 1\n"), "-");
  EXPECT_EQ(outcome(b, "eval instant at 0 a\n expect ordered\n x 1\n y 2\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 a\n expect ordered\n y 2\n x 1\n"), "-");
  EXPECT_EQ(outcome(b, "eval instant at 0 a\n expect fail\n"), "-");
  // The same query as the middle of a range must agree.
  b.answer("range a", matrix_value{{named("x"), {{0, 1}}, {}}, {named("y"), {{0, 3}}, {}}});
  EXPECT_EQ(outcome(b, "eval instant at 0 a\n x 1\n y 2\n"), "-");
}

TEST(Runner, ComparesMatrices) {
  table_backend b;
  b.answer("range a", matrix_value{{named("x"), {{0, 1}, {120'000, 3}}, {}}});
  constexpr auto head = "eval range from 0 to 2m step 1m a\n";
  EXPECT_EQ(outcome(b, std::string(head) + " x 1 _ 3\n"), "+");
  EXPECT_EQ(outcome(b, std::string(head) + " x 1 2 3\n"), "-");
  EXPECT_EQ(outcome(b, std::string(head) + " x 1 3\n"), "-");
  EXPECT_EQ(outcome(b, std::string(head) + " x 1 _ 3 _\n"), "-");
  EXPECT_EQ(outcome(b, std::string(head) + " x 1 _ 3\n y 1\n"), "-");
  b.answer("range a", matrix_value{{named("y"), {{0, 1}}, {}}, {named("x"), {{0, 1}}, {}}});
  EXPECT_EQ(outcome(b, std::string(head) + " x 1\n y 1\n"), "-") << "not sorted";
}

TEST(Runner, ComparesScalarsStringsAndRangeVectors) {
  table_backend b;
  b.answer("1", scalar_value{0, 1});
  b.answer("range 1", matrix_value{{labels(), {{0, 1}}, {}}});
  EXPECT_EQ(outcome(b, "eval instant at 0 1\n 1\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 1\n 2\n"), "-");
  EXPECT_EQ(outcome(b, "eval instant at 0 1\n {} 1\n"), "-");
  b.answer("\"s\"", string_value{0, "s"});
  EXPECT_EQ(outcome(b, "eval instant at 0 \"s\"\n expect string 's'\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 \"s\"\n expect string \"t\"\n"), "-");
  b.answer("a[1m]", matrix_value{{named("a"), {{10'000, 1}, {20'000, 2}}, {}}});
  constexpr auto head = "eval instant at 1m a[1m]\n expect range vector from 10s to 20s step 10s\n";
  EXPECT_EQ(outcome(b, std::string(head) + " a 1 2\n"), "+");
  EXPECT_EQ(outcome(b, std::string(head) + " a 1 3\n"), "-");
}

TEST(Runner, ChecksErrorsAndAnnotations) {
  table_backend b;
  b.errors["bad"] = "it broke";
  EXPECT_EQ(outcome(b, "eval instant at 0 bad\n expect fail\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 bad\n expect fail msg: it broke\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 bad\n expect fail msg: it\n"), "-");
  EXPECT_EQ(outcome(b, "eval instant at 0 bad\n expect fail regex: ^it\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 bad\n"), "-");
  b.answer("w", vector_value{}, {"PromQL warning: x (1:1)"});
  b.answer("range w", matrix_value{});
  EXPECT_EQ(outcome(b, "eval instant at 0 w\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 w\n expect warn\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 w\n expect warn msg: PromQL warning: x (1:1)\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 w\n expect warn msg: y\n"), "-");
  EXPECT_EQ(outcome(b, "eval instant at 0 w\n expect no_warn\n"), "-");
  EXPECT_EQ(outcome(b, "eval instant at 0 w\n expect no_info\n"), "+");
  EXPECT_EQ(outcome(b, "eval instant at 0 w\n expect info\n"), "-");
}

TEST(Runner, SkipsByName) {
  constexpr run_options stable_floats{
      .experimental = false, .native_histograms = false, .variants = false};
  table_backend b;
  b.answer("f", vector_value{});
  b.answer("range f", matrix_value{});
  const auto spaced = parse_script("x.test", R"(
load 1m
  h{a="1"} {{count:1}}
  f 1

eval instant at 0 f

eval instant at 0 sum(h)

eval instant at 0 rate({a=~"."}[5m])

eval instant at 0 step()

eval instant at 0 f
  {} {{count:1}}

clear

eval instant at 0 h

eval instant at 0 limitk(1, f)
)");
  ASSERT_TRUE(spaced.ok()) << spaced.error().message();
  b.answer("h", vector_value{});
  b.answer("range h", matrix_value{});
  const auto report = run_script(*spaced, b, stable_floats);
  std::string text;
  append_report(text, report, true);
  EXPECT_EQ(text,
            "x.test:8: skip sum(h) (native histograms: in the data (h{a=\"1\"}))\n"
            "x.test:10: skip rate({a=~\".\"}[5m]) (native histograms: in the data (h{a=\"1\"}))\n"
            "x.test:12: skip step() (experimental: 1:1: parse error: function \"step\" is not "
            "enabled)\n"
            "x.test:14: skip f (native histograms: in the expected result)\n"
            "x.test:21: skip limitk(1, f) (experimental: 1:1: parse error: limitk() is "
            "experimental and must be enabled with --enable-feature=promql-experimental-functions)"
            "\n");
  EXPECT_EQ(summary({&report, 1}), "2 passed, 0 failed, 5 skipped");
  std::string list;
  append_list(list, plan_script(*spaced, stable_floats));
  EXPECT_TRUE(list.starts_with("x.test:6: run f\nx.test:8: skip sum(h) (")) << list;
}

TEST(Runner, ReportsExpectedAndGot) {
  table_backend b;
  b.answer("a", vector_value{{named("x"), 0, 1, nullptr}});
  const auto s = parse_script("x.test", "eval instant at 0 a\n x 2\n");
  const auto report = run_script(*s, b);
  std::string text;
  append_report(text, report, false);
  EXPECT_EQ(text, "x.test:1: FAIL a\n  expected series\n    x 2\n  got      vector\n    x 1\n");
  EXPECT_EQ(report.count(eval_verdict::failed), 1U);
}

TEST(Runner, AFailedLoadFails) {
  table_backend b;
  b.load_status = status(errc::io_error, "disk gone");
  EXPECT_EQ(outcome(b, "load 1m\n a 1\n"), "-");
}

TEST(Runner, FixesTheTimeOfSelectors) {
  EXPECT_EQ(with_fixed_time("sum(a{b=\"c\"} offset 5m) + b @ 3 + rate(c[5m])", 60'000),
            "sum(a{b=\"c\"} @ 60.000 offset 5m) + b @ 3.000 + rate(c[5m] @ 60.000)");
  EXPECT_EQ(with_fixed_time("max_over_time(a[5m:1m])", 1500), "max_over_time(a[5m:1m] @ 1.500)");
  for (const char* text : {"time()", "timestamp(a)", "sum(minute())", "predict_linear(a[1m], 5)"})
    EXPECT_EQ(with_fixed_time(text, 0), "") << text;
}

TEST(Runner, RunsVariants) {
  table_backend b;
  for (const char* expr : {"a", "range a", "a @ 60.000", "range a @ 60.000"})
    b.answer(expr, std::string_view(expr).starts_with("range") ? query_value(matrix_value{})
                                                               : query_value(vector_value{}));
  const auto s = parse_script("x.test", "eval instant at 1m a\n");
  EXPECT_EQ(run_script(*s, b).count(eval_verdict::passed), 1U);
  EXPECT_EQ(b.log,
            "clear;instant a@60000;instant a @ 60.000@-600000;instant a @ 60.000@0;instant a @ "
            "60.000@12000;instant a @ 60.000@60000;instant a @ 60.000@600000;");
}

TEST(Compare, AlmostEqual) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  EXPECT_TRUE(almost_equal(1, 1 + 1e-7));
  EXPECT_FALSE(almost_equal(1, 1 + 1e-5));
  EXPECT_TRUE(almost_equal(normal_nan(), -normal_nan()));
  EXPECT_FALSE(almost_equal(normal_nan(), 1));
  EXPECT_FALSE(almost_equal(normal_nan(), stale_nan()));
  EXPECT_TRUE(almost_equal(stale_nan(), stale_nan()));
  EXPECT_TRUE(almost_equal(inf, inf));
  EXPECT_FALSE(almost_equal(inf, -inf));
  EXPECT_FALSE(almost_equal(0, 1e-300));
  EXPECT_TRUE(almost_equal(0, -0.0));
  EXPECT_TRUE(almost_equal(1e308, 1e308 * (1 + 1e-7)));
}

}  // namespace
}  // namespace troupe::query
