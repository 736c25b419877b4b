// What each output is, by example; most examples are VictoriaMetrics' own cases.
#include "pipeline/aggregate/aggregator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <initializer_list>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace troupe::aggregate {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

constexpr timestamp_ms start = 1'700'000'040'000;  // a whole minute
constexpr int64_t minute = 60'000;

class Aggregator : public testing::Test {
 protected:
  Aggregator() {
    conf.name = "r";
    conf.match = {"{__name__=~\".+\"}"};
    conf.interval_ms = minute;
  }
  void begin(std::vector<std::string> outputs) {
    conf.outputs = std::move(outputs);
    a = std::make_unique<aggregator>(*rule::make(conf), start);
  }
  void add(std::initializer_list<std::pair<std::string, std::string>> pairs, double value,
           int64_t after_ms = 1) {
    a->add(aggregator::no_input, labels::from({pairs.begin(), pairs.end()}).packed(),
           a->closed() + after_ms, value);
  }
  using values = std::map<std::string, double>;
  values close() {
    values out;
    std::optional<aggregator::interval> done;
    do {
      done = a->close_step();
    } while (a->closed() % conf.interval_ms != 0);
    if (done)
      for (const auto& o : done->outputs)
        out[o.series.to_string()] = o.value;
    return out;
  }

  config::aggregation_config conf;
  std::unique_ptr<aggregator> a;
};

TEST_F(Aggregator, SumsAndCounts) {
  conf.without = {"abc"};
  begin({"count_samples", "sum_samples", "count_series", "min", "max", "avg"});
  close();
  add({{"__name__", "foo"}, {"abc", "123"}}, 4);
  add({{"__name__", "bar"}}, 5);
  add({{"__name__", "foo"}, {"abc", "123"}}, 8.5, 2);
  add({{"__name__", "foo"}, {"abc", "456"}, {"de", "fg"}}, 8);
  EXPECT_THAT(
      close(),
      UnorderedElementsAre(
          Pair("bar:1m_without_abc_count_samples", 1), Pair("bar:1m_without_abc_count_series", 1),
          Pair("bar:1m_without_abc_sum_samples", 5), Pair("bar:1m_without_abc_min", 5),
          Pair("bar:1m_without_abc_max", 5), Pair("bar:1m_without_abc_avg", 5),
          Pair("foo:1m_without_abc_count_samples", 2), Pair("foo:1m_without_abc_count_series", 1),
          Pair("foo:1m_without_abc_sum_samples", 12.5), Pair("foo:1m_without_abc_min", 4),
          Pair("foo:1m_without_abc_max", 8.5), Pair("foo:1m_without_abc_avg", 6.25),
          Pair("foo:1m_without_abc_count_samples{de=\"fg\"}", 1),
          Pair("foo:1m_without_abc_count_series{de=\"fg\"}", 1),
          Pair("foo:1m_without_abc_sum_samples{de=\"fg\"}", 8),
          Pair("foo:1m_without_abc_min{de=\"fg\"}", 8),
          Pair("foo:1m_without_abc_max{de=\"fg\"}", 8),
          Pair("foo:1m_without_abc_avg{de=\"fg\"}", 8)));
  EXPECT_TRUE(close().empty());
}

TEST_F(Aggregator, SpreadOfValues) {
  conf.without = {"cpu"};
  begin({"stddev", "stdvar", "quantiles(0, 0.5, 1)", "histogram_bucket", "unique_samples", "last"});
  close();
  int64_t after = 1;
  for (const double v : {12.5, 13.3, 13.0, 12.0, 14.0, 25.0})
    add({{"__name__", "c"}, {"cpu", "1"}}, v, after++);
  add({{"__name__", "c"}, {"cpu", "2"}}, 90);
  auto got = close();
  EXPECT_EQ(got["c:1m_without_cpu_quantiles{quantile=\"0\"}"], 12);
  EXPECT_EQ(got["c:1m_without_cpu_quantiles{quantile=\"0.5\"}"], 13.3);
  EXPECT_EQ(got["c:1m_without_cpu_quantiles{quantile=\"1\"}"], 90);
  const std::string bucket = "c:1m_without_cpu_histogram_bucket{vmrange=\"";
  EXPECT_EQ(got[bucket + "1.136e+01...1.292e+01\"}"], 2);
  EXPECT_EQ(got[bucket + "1.292e+01...1.468e+01\"}"], 3);
  EXPECT_EQ(got[bucket + "2.448e+01...2.783e+01\"}"], 1);
  EXPECT_EQ(got[bucket + "8.799e+01...1.000e+02\"}"], 1);
  EXPECT_EQ(got["c:1m_without_cpu_unique_samples"], 7);
  EXPECT_EQ(got["c:1m_without_cpu_last"], 25);
  EXPECT_NEAR(got["c:1m_without_cpu_stdvar"], 706.9783673469389, 1e-9);
  EXPECT_NEAR(got["c:1m_without_cpu_stddev"], 26.589064807678717, 1e-9);
  // Buckets go on as counters, until the series are stale.
  add({{"__name__", "c"}, {"cpu", "1"}}, 100);
  got = close();
  EXPECT_EQ(got[bucket + "8.799e+01...1.000e+02\"}"], 2);
  EXPECT_EQ(got[bucket + "1.292e+01...1.468e+01\"}"], 3);
}

TEST_F(Aggregator, RangesHaveEnds) {
  begin({"histogram_bucket"});
  close();
  int64_t after = 1;
  for (const double v :
       {-1.0, 0.0, 1e-10, 1e-9, 1.0, 2e18, std::numeric_limits<double>::infinity()})
    add({{"__name__", "m"}}, v, after++);
  EXPECT_THAT(close(), UnorderedElementsAre(
                           Pair("m:1m_histogram_bucket{vmrange=\"0...1.000e-09\"}", 2),
                           Pair("m:1m_histogram_bucket{vmrange=\"1.000e-09...1.136e-09\"}", 1),
                           Pair("m:1m_histogram_bucket{vmrange=\"8.799e-01...1.000e+00\"}", 1),
                           Pair("m:1m_histogram_bucket{vmrange=\"1.000e+18...+Inf\"}", 2)));
}

TEST_F(Aggregator, CountersByStaleness) {
  // Two intervals, an empty one, and another: 5, 10, nothing, 7 (a reset).
  const auto run = [&](const std::string& output) {
    conf.outputs = {output};
    begin(conf.outputs);
    close();
    std::vector<double> out;
    for (const double v : {5.0, 10.0, -1.0, 7.0}) {
      if (v >= 0)
        add({{"__name__", "foo"}}, v);
      for (const auto& [series, value] : close())
        out.push_back(value);
    }
    return out;
  };
  conf.ignore_first_sample_interval_ms = 0;
  conf.staleness_interval_ms = minute;
  EXPECT_THAT(run("increase"), ElementsAre(5, 5, 7));
  EXPECT_THAT(run("increase_prometheus"), ElementsAre(0, 5, 0));
  EXPECT_THAT(run("total"), ElementsAre(5, 10, 7));
  EXPECT_THAT(run("total_prometheus"), ElementsAre(0, 5, 0));
  conf.ignore_first_sample_interval_ms = -1;
  conf.staleness_interval_ms = 2 * minute;
  EXPECT_THAT(run("increase"), ElementsAre(0, 5, 7));
  EXPECT_THAT(run("total"), ElementsAre(0, 5, 5, 12));
  EXPECT_THAT(run("total_prometheus"), ElementsAre(0, 5, 5, 12));
}

TEST_F(Aggregator, Rates) {
  conf.by = {"cde"};
  begin({"rate_sum", "rate_avg"});
  close();
  add({{"__name__", "foo"}, {"abc", "123"}, {"cde", "1"}}, 3);
  add({{"__name__", "foo"}, {"abc", "456"}, {"cde", "1"}}, 8.5);
  add({{"__name__", "foo"}}, 12, 34);
  EXPECT_TRUE(close().empty());
  add({{"__name__", "foo"}, {"abc", "123"}, {"cde", "1"}}, 8);
  add({{"__name__", "foo"}, {"abc", "456"}, {"cde", "1"}}, 11);
  EXPECT_THAT(close(), UnorderedElementsAre(Pair("foo:1m_by_cde_rate_avg{cde=\"1\"}", 0.0625),
                                            Pair("foo:1m_by_cde_rate_sum{cde=\"1\"}", 0.125)));
}

TEST_F(Aggregator, ASampleThatComesTwiceCountsOnce) {
  begin({"count_samples", "sum_samples"});
  close();
  for (int twice = 0; twice < 2; ++twice)
    for (const int64_t after : {10, 20, 30})
      add({{"__name__", "m"}}, static_cast<double>(after), after);
  // Of two values for one time storage keeps the greater one.
  add({{"__name__", "m"}}, 25, 20);
  EXPECT_THAT(close(),
              UnorderedElementsAre(Pair("m:1m_count_samples", 3), Pair("m:1m_sum_samples", 65)));
  EXPECT_EQ(a->counts().duplicates, 4u);
}

TEST_F(Aggregator, DedupKeepsTheLastOfEachInterval) {
  conf.dedup_interval_ms = 30'000;
  begin({"sum_samples"});
  close();
  for (const int64_t after : {1, 30'000, 29'000, 30'001, 60'000})
    add({{"__name__", "m"}}, static_cast<double>(after), after);
  EXPECT_THAT(close(), ElementsAre(Pair("m:1m_sum_samples", 90'000)));
}

TEST_F(Aggregator, LateSamplesCountAsSuchOnly) {
  begin({"sum_samples"});
  close();
  add({{"__name__", "m"}}, 1, minute);  // the interval's end belongs to it
  add({{"__name__", "m"}}, 2, minute + 1);
  EXPECT_THAT(close(), ElementsAre(Pair("m:1m_sum_samples", 1)));
  add({{"__name__", "m"}}, 4, 0);
  add({{"__name__", "m"}}, 8, -30'000);
  EXPECT_EQ(a->counts().late, 2u);
  EXPECT_THAT(close(), ElementsAre(Pair("m:1m_sum_samples", 2)));
}

TEST_F(Aggregator, StaleMarkersAndNanCountForNothing) {
  begin({"count_samples"});
  close();
  add({{"__name__", "m"}}, 1);
  add({{"__name__", "m"}}, stale_nan(), 2);
  add({{"__name__", "n"}}, normal_nan());
  EXPECT_THAT(close(), ElementsAre(Pair("m:1m_count_samples", 1)));
}

TEST_F(Aggregator, SamplesFromBeforeTheRuleAreWhatIncreasesBeginWith) {
  begin({"increase"});
  a = std::make_unique<aggregator>(*rule::make(conf), start + 10'000);
  add({{"__name__", "m"}}, 10, -5'000);
  add({{"__name__", "m"}}, 9, -7'000);
  add({{"__name__", "m"}}, 12, 5'000);
  EXPECT_TRUE(close().empty()) << "the interval was under way already";
  add({{"__name__", "m"}}, 15, 5'000);
  EXPECT_THAT(close(), ElementsAre(Pair("m:1m_increase", 3)));
  EXPECT_EQ(a->counts().late, 0u);
}

TEST_F(Aggregator, SilentSeriesAreForgotten) {
  conf.by = {"g"};
  begin({"total", "count_series"});
  close();
  for (int i = 0; i < 100; ++i)
    add({{"__name__", "m"}, {"g", std::to_string(i % 10)}, {"i", std::to_string(i)}}, 1);
  close();
  EXPECT_EQ(a->inputs(), 100u);
  EXPECT_EQ(a->groups(), 10u);
  add({{"__name__", "m"}, {"g", "0"}, {"i", "0"}}, 2);
  for (int i = 0; i < 2; ++i)
    close();
  EXPECT_EQ(a->inputs(), 1u);
  EXPECT_EQ(a->groups(), 1u);
  // Their places are used again.
  add({{"__name__", "m"}, {"g", "x"}, {"i", "7"}}, 2);
  add({{"__name__", "m"}, {"g", "0"}, {"i", "0"}}, 4);
  EXPECT_EQ(close()["m:1m_by_g_count_series{g=\"x\"}"], 1);
}

TEST_F(Aggregator, QuantilesOfVeryManySamplesAreThoseOfAnEvenChoice) {
  conf.by = {"g"};
  begin({"quantiles(0.5)", "unique_samples"});
  close();
  for (int i = 0; i < 40'000; ++i)
    add({{"__name__", "m"}, {"i", std::to_string(i % 100)}}, i, 1 + i / 100);
  auto got = close();
  EXPECT_NEAR(got["m:1m_by_g_quantiles{quantile=\"0.5\"}"], 20'000, 1'000);
  EXPECT_NEAR(got["m:1m_by_g_unique_samples"], 40'000, 2'500);
}

TEST_F(Aggregator, StateThatDoesNotHoldIsRefused) {
  begin({"sum_samples"});
  add({{"__name__", "m"}}, 1);
  std::string bytes;
  a->encode(bytes);
  const auto r = *rule::make(conf);
  EXPECT_TRUE(aggregator::decode(r, bytes).ok());
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(aggregator::decode(r, bytes.substr(0, n)).ok()) << n;
  EXPECT_FALSE(aggregator::decode(r, bytes + "x").ok());
}

}  // namespace
}  // namespace troupe::aggregate
