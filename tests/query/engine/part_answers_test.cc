// Answers to parts of a query as a test gives them: merged, ordered, charged; refused if they
// cannot be right.
#include "query/engine/parts.h"
#include "query/parser/printer.h"
#include "tests/query/engine/engine_fixture.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <limits>
#include <map>

namespace troupe::query {
namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

matrix_series series(const pairs& metric, std::vector<float_point> points) {
  return {labels::from(metric), std::move(points), {}};
}

class PartAnswers : public engine_fixture, protected part_evaluator {
 protected:
  std::vector<matrix_value> answers;
  std::map<std::string, std::vector<matrix_value>>
      answers_to;                  ///< to these texts, before `answers`
  std::vector<std::string> asked;  ///< "text @ start..end/step"
  std::function<status()> meanwhile = [] { return status(); };
  bool refuse = false;

  std::string_view parting_label() const override { return "region"; }
  result<std::optional<std::vector<matrix_value>>> evaluate(const query_part& p) override {
    asked.push_back(to_string(p.root) + " @ " + std::to_string(p.start / second) + ".." +
                    std::to_string(p.end / second) + "/" + std::to_string(p.step_ms / second) +
                    " " + std::to_string(p.lookback_ms / second));
    TROUPE_TRY(meanwhile());
    if (refuse)
      return std::optional<std::vector<matrix_value>>();
    const auto known = answers_to.find(to_string(p.root));
    return std::optional(known != answers_to.end() ? known->second : answers);
  }

  query_overrides with_parts() {
    query_overrides o;
    o.parts = this;
    return o;
  }
  std::string at(std::string_view text, timestamp_ms ts) {
    return show(instant(text, ts, with_parts()));
  }
  std::string over(std::string_view text, timestamp_ms start, timestamp_ms end, int64_t step_ms) {
    return show(range(text, start, end, step_ms, with_parts()));
  }
  std::string refusal_of(std::vector<matrix_value> wrong, std::string_view text = "a") {
    answers = std::move(wrong);
    const auto r = range(text, 0, 60 * second, 15 * second, with_parts());
    return r.ok() ? "taken" : r.error().to_string();
  }
};

TEST_F(PartAnswers, AreAskedForWithTheTimesOfTheQuery) {
  options.lookback_ms = 240 * second;
  options.default_subquery_step_ms = 30 * second;
  at("a", 100 * second);
  at("max_over_time(a[5m:])", 100 * second);
  over("rate(a[5m])", 100 * second, 200 * second, 15 * second);
  auto o = with_parts();
  o.lookback_ms = 60 * second;
  o.default_subquery_step_ms = 45 * second;
  EXPECT_TRUE(instant("sum(min_over_time(a[5m:]))", 100 * second, o).ok());
  EXPECT_EQ(asked,
            (std::vector<std::string>{
                "a @ 100..100/0 240", "max_over_time(a[5m:30s]) @ 100..100/0 240",
                "rate(a[5m]) @ 100..200/15 240", "min_over_time(a[5m:45s]) @ 100..100/0 60"}));
}

TEST_F(PartAnswers, AtOneTimeWhereTheStepDoesNotMatter) {
  answers = {{series({{"region", "eu"}}, {{100 * second, 3}})}};
  EXPECT_EQ(over("a @ end() * 2 + on (job) b", 100 * second, 130 * second, 15 * second),
            "{} 6@100");
  EXPECT_EQ(asked,
            (std::vector<std::string>{"a @ 130.000 * 2 @ 100..100/0 300", "b @ 100..130/15 300"}));
  asked.clear();
  EXPECT_EQ(over("sum(a @ end())", 100 * second, 130 * second, 15 * second),
            "{} 3@100 3@115 3@130");
  EXPECT_EQ(over("vector(scalar(a @ 7))", 100 * second, 115 * second, 15 * second),
            "{} 3@100 3@115");
  EXPECT_EQ(asked, (std::vector<std::string>{"a @ 130.000 @ 100..100/0 300",
                                             "a @ 7.000 @ 100..100/0 300"}));
}

TEST_F(PartAnswers, AreUnited) {
  answers = {{series({{"__name__", "a"}, {"region", "us"}}, {{0, 1}, {30 * second, 2}})},
             {},
             {series({{"__name__", "a"}, {"region", "eu"}, {"z", "1"}}, {{15 * second, 3}}),
              series({{"__name__", "a"}, {"region", "eu"}}, {})}};
  EXPECT_EQ(over("a", 0, 60 * second, 15 * second),
            "a{region=\"eu\", z=\"1\"} 3@15; a{region=\"us\"} 1@0 2@30");
  EXPECT_EQ(over("sum(a)", 0, 60 * second, 15 * second), "{} 1@0 3@15 2@30");
  EXPECT_EQ(over("sum by (region) (sum(a))", 0, 60 * second, 15 * second), "{} 1@0 3@15 2@30");
}

TEST_F(PartAnswers, AreCombined) {
  answers = {{series({{"job", "x"}}, {{0, 1}, {15 * second, 5}}), series({{"job", "y"}}, {{0, 7}})},
             {series({{"job", "x"}}, {{0, 3}, {30 * second, 4}})}};
  const auto range = [&](std::string_view text) { return over(text, 0, 30 * second, 15 * second); };
  EXPECT_EQ(range("count by (job) (a)"), "{job=\"x\"} 4@0 5@15 4@30; {job=\"y\"} 7@0");
  EXPECT_EQ(range("min by (job) (a)"), "{job=\"x\"} 1@0 5@15 4@30; {job=\"y\"} 7@0");
  EXPECT_EQ(range("max by (job) (a)"), "{job=\"x\"} 3@0 5@15 4@30; {job=\"y\"} 7@0");
  EXPECT_EQ(range("group by (job) (a)"), "{job=\"x\"} 1@0 1@15 1@30; {job=\"y\"} 1@0");
  const double nan = normal_nan();
  answers = {{series({}, {{0, nan}, {15 * second, nan}})},
             {series({}, {{0, 3}, {15 * second, nan}})},
             {series({}, {{0, nan}})}};
  EXPECT_EQ(range("min(a)"), "{} 3@0 NaN@15");
  EXPECT_EQ(range("max(a)"), "{} 3@0 NaN@15");
}

// Which zero is the least depends on the order of series: evaluated here.
TEST_F(PartAnswers, ThatLeaveTheSignOfAZeroOpenAreNotUsed) {
  answers_to["a"] = {{series({{"region", "eu"}, {"z", "1"}}, {{0, -0.0}})},
                     {series({{"b", "1"}, {"region", "us"}}, {{0, 0.0}})}};
  load(second, "a{region=\"eu\",z=\"1\"} -0");
  load(second, "a{region=\"us\",b=\"1\"} 0");
  answers = {{series({}, {{0, -0.0}})}, {series({}, {{0, 0.0}})}};
  EXPECT_EQ(at("min(a)", 0), "{} 0") << "the first of the series";
  answers = {{series({}, {{0, -0.0}})}, {series({}, {{0, -0.0}})}};
  EXPECT_EQ(at("min(a)", 0), "{} -0") << "what the places say";
  EXPECT_EQ(asked, (std::vector<std::string>{"min(a) @ 0..0/0 300", "a @ 0..0/0 300",
                                             "min(a) @ 0..0/0 300"}));
  answers = {{series({{"region", "eu"}}, {{0, -0.0}})}, {series({{"region", "us"}}, {{0, 0.0}})}};
  EXPECT_EQ(at("max(topk by (region) (1, a) > -1)", 0), "{} 0");
  EXPECT_EQ(asked.size(), 4U);
}

TEST_F(PartAnswers, AreInTheOrderOfTheEngine) {
  answers = {
      {series({}, {{0, 1}}), series({{"B", "1"}}, {{0, 2}})},
      {series({{"B", "1"}, {"region", "a"}}, {{0, 3}}), series({{"region", "us"}}, {{0, 9}})}};
  // Where they had a name, no label at all is behind a label that is before __name__.
  EXPECT_EQ(at("rate(a[5m])", 0),
            "{B=\"1\"} 2; {B=\"1\", region=\"a\"} 3; {} 1; {region=\"us\"} 9");
  EXPECT_EQ(at("sum by (region, B) (a)", 0),
            "{} 1; {B=\"1\"} 2; {B=\"1\", region=\"a\"} 3; {region=\"us\"} 9");
  options.parse = parse_options::everything();
  EXPECT_EQ(at("limitk(3, rate(a[5m]))", 0), "{B=\"1\"} 2; {B=\"1\", region=\"a\"} 3; {} 1");
  answers = {{series({{"i", "1"}, {"region", "eu"}}, {{0, 1}}),
              series({{"i", "2"}, {"region", "eu"}}, {{0, normal_nan()}}),
              series({{"i", "3"}, {"region", "eu"}}, {{0, 2}})},
             {series({{"i", "0"}, {"region", "us"}}, {{0, 5}})}};
  EXPECT_EQ(at("topk by (region) (3, a)", 0),
            "{i=\"0\", region=\"us\"} 5; {i=\"3\", region=\"eu\"} 2; {i=\"1\", region=\"eu\"} 1; "
            "{i=\"2\", region=\"eu\"} NaN");
  EXPECT_EQ(at("bottomk by (region) (3, a)", 0),
            "{i=\"0\", region=\"us\"} 5; {i=\"1\", region=\"eu\"} 1; {i=\"3\", region=\"eu\"} 2; "
            "{i=\"2\", region=\"eu\"} NaN");
}

TEST_F(PartAnswers, OfTheBestAreTheBestOfAll) {
  const auto best = [](std::string i, std::string region, double a, double b) {
    return series({{"i", std::move(i)}, {"region", std::move(region)}}, {{0, a}, {15 * second, b}});
  };
  answers = {{best("1", "eu", 5, 1), best("2", "eu", 4, 7), best("3", "eu", 1, 8)},
             {best("1", "us", 9, 6), best("2", "us", normal_nan(), 3)}};
  EXPECT_EQ(over("topk(2, a)", 0, 15 * second, 15 * second),
            "{i=\"1\", region=\"eu\"} 5@0; {i=\"1\", region=\"us\"} 9@0; "
            "{i=\"2\", region=\"eu\"} 7@15; {i=\"3\", region=\"eu\"} 8@15");
  EXPECT_EQ(over("bottomk by (i) (1, a)", 0, 15 * second, 15 * second),
            "{i=\"1\", region=\"eu\"} 5@0 1@15; {i=\"2\", region=\"eu\"} 4@0; "
            "{i=\"2\", region=\"us\"} 3@15; {i=\"3\", region=\"eu\"} 1@0 8@15");
  EXPECT_EQ(asked, (std::vector<std::string>{"topk(3, a) @ 0..15/15 300",
                                             "bottomk by (i) (2, a) @ 0..15/15 300"}));
  for (auto& place : answers)
    for (auto& s : place)
      s.floats.pop_back();
  EXPECT_EQ(at("topk(3, a)", 0),
            "{i=\"1\", region=\"us\"} 9; {i=\"1\", region=\"eu\"} 5; "
            "{i=\"2\", region=\"eu\"} 4");
}

// Who of two that are alike is taken depends on the order of all series.
TEST_F(PartAnswers, OfTheBestLeaveABorderBetweenEqualsOpen) {
  answers = {{series({{"i", "1"}, {"region", "eu"}}, {{0, 5}})},
             {series({{"i", "0"}, {"region", "us"}}, {{0, 5}}),
              series({{"i", "2"}, {"region", "us"}}, {{0, 7}})}};
  // As the engine's heap has it, of all series in their order.
  EXPECT_EQ(at("topk(2, a)", 0), "{i=\"2\", region=\"us\"} 7; {i=\"1\", region=\"eu\"} 5");
  EXPECT_EQ(asked, (std::vector<std::string>{"topk(3, a) @ 0..0/0 300", "a @ 0..0/0 300"}));
  asked.clear();
  EXPECT_EQ(at("topk(3, a)", 0),
            "{i=\"2\", region=\"us\"} 7; {i=\"0\", region=\"us\"} 5; {i=\"1\", region=\"eu\"} 5");
  EXPECT_EQ(at("topk(1, a)", 0), "{i=\"2\", region=\"us\"} 7");
  EXPECT_EQ(asked.size(), 2U);
  asked.clear();
  refuse = true;
  EXPECT_EQ(at("topk(2, a)", 0), "");
  EXPECT_EQ(asked.size(), 1U) << "who does not take the whole is not asked for less";
}

TEST_F(PartAnswers, OfNobodyAreEvaluatedHere) {
  load(second, "a{region=\"eu\"} 4");
  refuse = true;
  EXPECT_EQ(at("sum(a) + 1", 0), "{} 5");
  EXPECT_EQ(over("count(a @ 0)", 0, second, second), "{} 1@0 1@1");
  EXPECT_EQ(asked.size(), 2U);
}

TEST_F(PartAnswers, WithAnErrorEndTheQuery) {
  meanwhile = [] { return status(errc::unavailable, "region eu does not answer"); };
  EXPECT_EQ(at("sum(a)", 0), "error: region eu does not answer");
  EXPECT_EQ(over("a @ 5", 0, second, second), "error: region eu does not answer");
}

TEST_F(PartAnswers, OfNoPlaceAreEmpty) {
  EXPECT_EQ(at("a", 0), "");
  EXPECT_EQ(at("absent(a)", 0), "{} 1");
  EXPECT_EQ(at("count(a)", 0), "");
}

TEST_F(PartAnswers, ThatCannotBeRightEndTheQuery) {
  const pairs eu{{"region", "eu"}};
  EXPECT_EQ(refusal_of({{series(eu, {{0, 1}, {60 * second, 1}})}}), "taken");
  for (const std::vector<float_point>& points :
       std::vector<std::vector<float_point>>{{{7 * second, 1}},
                                             {{-15 * second, 1}},
                                             {{75 * second, 1}},
                                             {{15 * second, 1}, {0, 1}},
                                             {{15 * second, 1}, {15 * second, 1}},
                                             {{std::numeric_limits<int64_t>::min(), 1}},
                                             {{std::numeric_limits<int64_t>::max(), 1}}})
    EXPECT_NE(refusal_of({{series(eu, points)}}).find("not the next of the query's steps"),
              std::string::npos);
  EXPECT_EQ(refusal_of({{series(eu, {{0, stale_nan()}})}}),
            "internal: a place answered with a stale marker");
  EXPECT_EQ(refusal_of({{series(eu, {{0, 1}})}, {series(eu, {{0, 1}})}}),
            "internal: two places answered with series of region=\"eu\"");
  EXPECT_EQ(refusal_of({{series({}, {{0, 1}})}, {series({{"x", "y"}}, {{0, 1}})}}),
            "internal: two places answered with series of region=\"\"");
  EXPECT_NE(refusal_of({{series(eu, {{0, 1}}), series(eu, {{15 * second, 1}})}}), "taken");
  matrix_series native = series(eu, {{0, 1}});
  native.histograms.push_back({0, std::make_shared<histogram>()});
  EXPECT_EQ(refusal_of({{native}}), "internal: a place answered with two points at one time");
  native.floats.clear();
  EXPECT_EQ(refusal_of({{native}}), "taken");
  EXPECT_NE(refusal_of({{native}}, "min(a)"), "taken");
  EXPECT_NE(refusal_of({{native}}, "topk(1, a)"), "taken");
}

TEST_F(PartAnswers, AreChargedToTheQuery) {
  answers.resize(1);
  for (int i = 0; i < 10; ++i)
    answers[0].push_back(series({{"i", std::to_string(i)}}, {{0, 1}, {15 * second, 1}}));
  const auto r = range("a", 0, 60 * second, 15 * second, with_parts());
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(r->stats.samples_read, 20U);
  EXPECT_EQ(r->stats.total_queryable_samples, 20U);
  EXPECT_EQ(r->stats.peak_samples, 20U);
  options.max_samples = 19;
  EXPECT_EQ(range("a", 0, 60 * second, 15 * second, with_parts()).code(), errc::resource_exhausted);
  // What is combined counts once, whatever it came from.
  answers.assign(10, {series({}, {{0, 1}, {15 * second, 1}})});
  EXPECT_TRUE(range("count(a)", 0, 60 * second, 15 * second, with_parts()).ok());
  options.max_memory_bytes = 800;
  EXPECT_EQ(range("count(a)", 0, 60 * second, 15 * second, with_parts()).code(),
            errc::resource_exhausted);
}

TEST_F(PartAnswers, TakeNoLongerThanTheQueryMay) {
  meanwhile = [&] {
    clock.advance_ms(3'000);
    return status();
  };
  options.timeout_ms = 2'000;
  EXPECT_EQ(instant("a", 0, with_parts()).code(), errc::timeout);
  options.timeout_ms = 4'000;
  EXPECT_TRUE(instant("a", 0, with_parts()).ok());
  std::atomic<bool> cancel = false;
  meanwhile = [&] {
    cancel = true;
    return status();
  };
  auto o = with_parts();
  o.cancel = &cancel;
  EXPECT_EQ(instant("a", 0, o).code(), errc::canceled);
}

TEST_F(PartAnswers, AreNotAskedForWithDelayedNames) {
  load(second, "a{region=\"eu\"} 4");
  options.enable_delayed_name_removal = true;
  EXPECT_EQ(at("rate(a[5m]) or a", 0), "a{region=\"eu\"} 4");
  EXPECT_TRUE(asked.empty());
}

}  // namespace
}  // namespace troupe::query
