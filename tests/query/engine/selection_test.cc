// Which samples a selector, a range and a subquery see.
#include "tests/query/engine/engine_fixture.h"

namespace troupe::query {
namespace {

class Selection : public engine_fixture {};

TEST_F(Selection, LookbackIsLeftOpen) {
  load(10 * second, "m 7");
  EXPECT_EQ(at("m", 0), "m 7");
  EXPECT_EQ(at("m", 5 * minute - 1), "m 7");
  EXPECT_EQ(at("m", 5 * minute), "");
  EXPECT_EQ(at("m", -1), "");
}

TEST_F(Selection, LookbackCanBeSetPerQuery) {
  load(10 * second, "m 7");
  EXPECT_EQ(show(instant("m", 59 * second, {.lookback_ms = minute})), "m 7");
  EXPECT_EQ(show(instant("m", 60 * second, {.lookback_ms = minute})), "");
  EXPECT_EQ(show(instant("m", 9 * minute, {.lookback_ms = 10 * minute})), "m 7");
}

TEST_F(Selection, AStaleMarkerEndsASeriesAtOnce) {
  load(10 * second, "m 0 1 stale 3");
  EXPECT_EQ(over("m", 0, 30 * second, 10 * second), "m 0@0 1@10 3@30");
  EXPECT_EQ(at("m", 25 * second), "");
  EXPECT_EQ(at("count_over_time(m[1m])", 30 * second), "{} 3");
}

TEST_F(Selection, AStaleHistogramEndsASeriesToo) {
  load(10 * second, "m {{count:1 sum:1}} stale");
  EXPECT_EQ(at("m", 5 * second), "m histogram");
  EXPECT_EQ(at("m", 10 * second), "");
}

TEST_F(Selection, FloatsAndHistogramsTakeTurns) {
  load(10 * second, "m 1 {{count:4 sum:5}} 2");
  EXPECT_EQ(at("m", 0), "m 1");
  EXPECT_EQ(at("m", 10 * second), "m histogram");
  EXPECT_EQ(at("m", 20 * second), "m 2");
  EXPECT_EQ(at("count_over_time(m[1m])", 20 * second), "{} 3");
}

TEST_F(Selection, RangesAreLeftOpen) {
  load(10 * second, "m 1 2 3 4");
  EXPECT_EQ(at("sum_over_time(m[20s])", 30 * second), "{} 7");
  EXPECT_EQ(at("sum_over_time(m[20001ms])", 30 * second), "{} 9");
  EXPECT_EQ(at("m[10s]", 30 * second), "m 4@30");
}

TEST_F(Selection, OffsetsMoveBothWays) {
  load(10 * second, "m 0+1x10");
  EXPECT_EQ(at("m offset 20s", 50 * second), "m 3");
  EXPECT_EQ(at("m offset -20s", 50 * second), "m 7");
  EXPECT_EQ(at("sum_over_time(m[20s] offset 20s)", 50 * second), "{} 5");
}

TEST_F(Selection, AtPinsTheTimeBeforeTheOffset) {
  load(10 * second, "m 0+1x10");
  EXPECT_EQ(at("m @ 40", 0), "m 4");
  EXPECT_EQ(at("m @ 40 offset 10s", 0), "m 3");
  EXPECT_EQ(at("m offset 10s @ 40", 0), "m 3");
  EXPECT_EQ(over("m @ start()", 20 * second, 40 * second, 10 * second), "m 2@20 2@30 2@40");
  EXPECT_EQ(over("m @ end()", 20 * second, 40 * second, 10 * second), "m 4@20 4@30 4@40");
  EXPECT_EQ(over("sum_over_time(m[20s] @ 40)", 0, 20 * second, 10 * second), "{} 7@0 7@10 7@20");
}

TEST_F(Selection, TimesFarOutDoNotOverflow) {
  load(10 * second, "m 0+1x10");
  EXPECT_EQ(at("m @ 9223372036854774", 0), "");
  EXPECT_EQ(at("m @ -9223372036854774 offset 290y", 0), "");
  EXPECT_EQ(at("sum_over_time(m[290y] @ -9223372036854774)", 0), "");
  EXPECT_EQ(at("sum_over_time(m[290y])", 100 * second), "{} 55");
}

TEST_F(Selection, SubqueriesAreAlignedToTheirStep) {
  load(10 * second, "m 0+1x100");
  EXPECT_EQ(at("sum_over_time(m[30s:10s] offset 3s)", 1010 * second), "{} 297");
  EXPECT_EQ(at("sum_over_time(m[30s:5s])", 1000 * second), "{} 591");
  EXPECT_EQ(at("count_over_time(m[1h:])", 1000 * second), "{} 17");  // every minute by default
  options.default_subquery_step_ms = 30 * second;
  EXPECT_EQ(at("count_over_time(m[1h:])", 1000 * second), "{} 34");
}

TEST_F(Selection, SubqueriesAlignBeforeZeroToo) {
  load(10 * second, "m 1 1");
  EXPECT_EQ(at("count_over_time(vector(1)[25s:10s])", -5 * second), "{} 2");  // at -20 and -10
  EXPECT_EQ(at("sum_over_time(vector(time())[25s:10s])", -5 * second), "{} -30");
}

TEST_F(Selection, StepInvariantPartsAreEvaluatedOnce) {
  load(10 * second, "m 0+1x100");
  const auto r = range("sum(m @ 100) + m", 0, 100 * second, 10 * second);
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(r->stats.samples_read, 11U + 11U) << "one lookback, and the range";
}

TEST_F(Selection, TimestampKnowsTheTimeOfTheSample) {
  load(10 * second, "m 0+1x10");
  EXPECT_EQ(at("timestamp(m)", 15 * second), "{} 10");
  EXPECT_EQ(at("timestamp(m + 0)", 15 * second), "{} 15");
  EXPECT_EQ(over("timestamp(m @ 11)", 0, 20 * second, 10 * second), "{} 10@0 10@10 10@20");
}

TEST_F(Selection, ResultsOfRangesAreSortedByLabels) {
  load(10 * second, "m{a=\"b\"} 1 1");
  load(10 * second, "m{a=\"a\"} 2 2");
  EXPECT_EQ(over("m", 0, 0, second), "m{a=\"a\"} 2@0; m{a=\"b\"} 1@0");
}

TEST_F(Selection, AnEmptyRangeOfTimeHasNoPoints) {
  load(10 * second, "m 1 1");
  EXPECT_EQ(over("m", 10 * second, 0, second), "");
  EXPECT_EQ(over("1", 10 * second, 0, second), "");
}

TEST_F(Selection, WarningsOfTheStorageArePassedOn) {
  load(10 * second, "m 1");
  store.warnings = {"block 7 is quarantined"};
  const auto r = instant("m", 0);
  ASSERT_TRUE(r.ok());
  EXPECT_EQ(r->warnings, std::vector<std::string>{"block 7 is quarantined"});
}

}  // namespace
}  // namespace troupe::query
