// Groups, the order of sums, and which elements are chosen.
#include "tests/query/engine/engine_fixture.h"

namespace troupe::query {
namespace {

class Aggregation : public engine_fixture {};

TEST_F(Aggregation, GroupsByAndWithout) {
  load(minute, "m{a=\"1\", b=\"x\"} 1");
  load(minute, "m{a=\"1\", b=\"y\"} 2");
  load(minute, "m{a=\"2\", b=\"x\"} 4");
  EXPECT_EQ(at("sum(m)", 0), "{} 7");
  EXPECT_EQ(at("sum by (a) (m)", 0), "{a=\"1\"} 3; {a=\"2\"} 4");
  EXPECT_EQ(at("sum without (a) (m)", 0), "{b=\"x\"} 5; {b=\"y\"} 2");
  EXPECT_EQ(at("sum by (a, none) (m)", 0), "{a=\"1\"} 3; {a=\"2\"} 4");
  EXPECT_EQ(at("sum by (__name__) (m)", 0), "m 7");
  EXPECT_EQ(at("count without () (m)", 0),
            "{a=\"1\", b=\"x\"} 1; {a=\"1\", b=\"y\"} 1; {a=\"2\", b=\"x\"} 1");
}

TEST_F(Aggregation, SumsInTheOrderOfLabelsWithKahan) {
  load(minute, "m{i=\"4\"} -1e100");
  load(minute, "m{i=\"2\"} 8");
  load(minute, "m{i=\"3\"} 1e100");
  load(minute, "m{i=\"1\"} 2");
  EXPECT_EQ(at("sum(m)", 0), "{} 10");
  EXPECT_EQ(at("avg(m)", 0), "{} 2.5");
}

TEST_F(Aggregation, OneSeriesMayEndWhileAnotherGoesOn) {
  load(minute, "m{i=\"1\"} 1 1 stale");
  load(minute, "m{i=\"2\"} _ 10 10 10");
  EXPECT_EQ(over("sum(m)", 0, 3 * minute, minute), "{} 1@0 11@60 10@120 10@180");
  EXPECT_EQ(over("count(m)", 0, 3 * minute, minute), "{} 1@0 2@60 1@120 1@180");
  EXPECT_EQ(over("max(m)", 0, 3 * minute, minute), "{} 1@0 10@60 10@120 10@180");
  EXPECT_EQ(over("quantile(0.5, m)", 0, minute, minute), "{} 1@0 5.5@60");
  EXPECT_EQ(over("topk(1, m)", 0, 3 * minute, minute),
            "m{i=\"1\"} 1@0; m{i=\"2\"} 10@60 10@120 10@180");
}

TEST_F(Aggregation, TopkOrdersAnInstantByValue) {
  for (const char* line : {"m{i=\"1\"} 3", "m{i=\"2\"} NaN", "m{i=\"3\"} 9", "m{i=\"4\"} 5"})
    load(minute, line);
  EXPECT_EQ(at("topk(2, m)", 0), "m{i=\"3\"} 9; m{i=\"4\"} 5");
  EXPECT_EQ(at("bottomk(2, m)", 0), "m{i=\"1\"} 3; m{i=\"4\"} 5");
  EXPECT_EQ(at("topk(9, m)", 0), "m{i=\"3\"} 9; m{i=\"4\"} 5; m{i=\"1\"} 3; m{i=\"2\"} NaN");
  EXPECT_EQ(at("topk(0, m)", 0), "");
  EXPECT_EQ(at("topk(-5, m)", 0), "");
}

TEST_F(Aggregation, OfEqualValuesTheFirstStay) {
  for (const char* line : {"m{i=\"1\"} 5", "m{i=\"2\"} 5", "m{i=\"3\"} 5", "m{i=\"4\"} 1"})
    load(minute, line);
  EXPECT_EQ(at("topk(2, m)", 0), "m{i=\"1\"} 5; m{i=\"2\"} 5");
  EXPECT_EQ(at("bottomk(2, m)", 0), "m{i=\"4\"} 1; m{i=\"2\"} 5")
      << "the heap lets go of its top, which is the first";
}

TEST_F(Aggregation, CountValuesMakesALabelOfTheValue) {
  for (const char* line : {"m{i=\"1\"} 6 6", "m{i=\"2\"} 6 7", "m{i=\"3\"} 0.5 7"})
    load(minute, line);
  EXPECT_EQ(over("count_values(\"v\", m)", 0, minute, minute),
            "{v=\"0.5\"} 1@0; {v=\"6\"} 2@0 1@60; {v=\"7\"} 2@60");
  EXPECT_EQ(at("count_values without (i) (\"i\", m)", 0), "{} 3") << "the label is left out again";
}

TEST_F(Aggregation, LimitRatioAndItsComplementShareTheSeries) {
  options.parse = parse_options::everything();
  for (int i = 0; i < 200; ++i)
    load(minute, "m{i=\"" + std::to_string(i) + "\"} 1");
  const auto part = instant("count(limit_ratio(0.3, m))", 0);
  const double n = std::get<vector_value>(part->value)[0].value;
  EXPECT_GT(n, 30);
  EXPECT_LT(n, 90);
  EXPECT_EQ(at("count(limit_ratio(0.3, m) or limit_ratio(-0.7, m))", 0), "{} 200");
  EXPECT_EQ(at("limit_ratio(0.3, m) and limit_ratio(-0.7, m)", 0), "");
}

TEST_F(Aggregation, TheParameterMayChangeFromStepToStep) {
  options.parse = parse_options::everything();
  load(minute, "k 1 2 0");
  for (const char* line : {"m{i=\"1\"} 1 1 1", "m{i=\"2\"} 2 2 2"})
    load(minute, line);
  EXPECT_EQ(over("count(topk(scalar(k), m))", 0, 2 * minute, minute), "{} 1@0 2@60");
  EXPECT_EQ(over("count(limitk(scalar(k), m))", 0, 2 * minute, minute), "{} 1@0 2@60");
}

TEST_F(Aggregation, HistogramsAddUpOrAreLeftOut) {
  load(minute, "h{i=\"1\"} {{schema:0 count:4 sum:5 buckets:[1 2 1]}}");
  load(minute, "h{i=\"2\"} {{schema:1 count:2 sum:3 buckets:[1 1]}}");
  EXPECT_EQ(at("histogram_count(sum(h))", 0), "{} 6");
  EXPECT_EQ(at("histogram_sum(avg(h))", 0), "{} 4");
  EXPECT_EQ(at("max(h)", 0), "");
  EXPECT_EQ(instant("max(h)", 0)->infos,
            std::vector<std::string>{"PromQL info: ignored histogram in max aggregation (1:5)"});
  load(minute, "h{i=\"3\"} 1");
  const auto mixed = instant("sum(h)", 0);
  EXPECT_EQ(show(mixed), "");
  EXPECT_EQ(
      mixed->warnings,
      std::vector<std::string>{
          "PromQL warning: encountered a mix of histograms and floats for aggregation (1:5)"});
}

}  // namespace
}  // namespace troupe::query
