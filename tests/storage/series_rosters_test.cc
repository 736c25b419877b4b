// The series of one metric over all shards: order, identity over changes, and when there is none.
#include "tests/storage/node_fixture.h"

namespace troupe::storage {
namespace {

labels series(std::string_view metric, int n) {
  return labels::from({{"__name__", std::string(metric)},
                       {"instance", "i" + std::to_string(n % 7)},
                       {"n", std::to_string(n)}});
}

class SeriesRosters : public ::testing::Test {
 protected:
  test_node node{1, 1 << 30};

  void SetUp() override {
    node.opts.shards = 3;
    node.start();
    for (int i = 0; i < 50; ++i)
      node.write({make_sample(series("m", i), 1000, i), make_sample(series("other", i), 1000, i)});
  }
  std::unique_ptr<series_family> open(std::string_view metric = "m", size_t max_series = 1000) {
    return node.store->reader().family(
        {.tenant = "", .metric = metric, .mint = 0, .maxt = 10'000, .max_series = max_series});
  }
  /// What a querier gives for the same matchers.
  std::vector<labels> selected(const matchers& ms) {
    std::vector<labels> out;
    auto q = node.store->reader().open("", 0, 10'000);
    auto set = (*q)->select({}, ms);
    while ((*set)->next())
      out.push_back((*set)->series());
    return out;
  }
};

TEST_F(SeriesRosters, HaveWhatAQuerierSelectsInItsOrder) {
  const auto family = open();
  ASSERT_TRUE(family);
  const matcher name = matcher::equal("__name__", "m");
  EXPECT_EQ(family->roster()->series, selected({name}));
  const matchers some{name, *matcher::make(match_op::regex, "n", "1.|2.|99")};
  std::vector<labels> found;
  for (const uint32_t position : family->find(some))
    found.push_back(family->roster()->series[position]);
  EXPECT_EQ(found, selected(some));
  EXPECT_EQ(found.size(), 20u);
}

TEST_F(SeriesRosters, AreReadInAnyOrder) {
  const auto family = open();
  ASSERT_TRUE(family);
  for (uint32_t position = 50; position-- > 0;) {
    sample_columns c;
    ASSERT_TRUE(family->read(position, 0, 10'000, c).ok());
    ASSERT_EQ(c.values.size(), 1u);
    EXPECT_EQ(std::to_string(static_cast<int>(c.values[0])),
              family->roster()->series[position].get("n"));
  }
}

TEST_F(SeriesRosters, StayTheSameUntilASeriesOfTheMetricComes) {
  auto family = open();
  const auto before = family->roster();
  node.write({make_sample(series("m", 3), 2000, 1), make_sample(series("other", 77), 2000, 1)});
  EXPECT_EQ(open()->roster(), before);
  node.write({make_sample(series("m", 30000), 2000, 1), make_sample(series("m", 0), 3000, 1),
              make_sample(series("m", 12345), 2000, 1)});
  family = open();
  const auto& now = *family->roster();
  EXPECT_NE(now.id, before->id);
  EXPECT_EQ(now.before, before->id);
  ASSERT_EQ(now.added.size(), 2u);
  EXPECT_LT(now.added[0], now.added[1]);
  ASSERT_EQ(now.moved.size(), before->series.size());
  for (size_t i = 0; i < now.moved.size(); ++i)
    EXPECT_EQ(now.series[now.moved[i]], before->series[i]);
  EXPECT_EQ(now.series, selected({matcher::equal("__name__", "m")}));
}

TEST_F(SeriesRosters, LoseSeriesWithoutSamples) {
  auto family = open();
  const auto before = family->roster();
  const std::vector<matchers> gone{{*matcher::make(match_op::regex, "n", "1|2|3")}};
  ASSERT_TRUE(node.store->delete_series("", 0, 10'000, gone).ok());
  // They are there until they are collected, and read as empty.
  sample_columns c;
  for (const uint32_t position : family->find(gone[0]))
    EXPECT_TRUE(family->read(position, 0, 10'000, c).ok());
  EXPECT_TRUE(c.ts.empty());
  ASSERT_TRUE(node.maintain().ok());
  const auto now = open()->roster();
  EXPECT_EQ(now->before, before->id);
  EXPECT_EQ(now->series.size(), 47u);
  for (size_t i = 0; i < now->moved.size(); ++i)
    if (now->moved[i] != series_roster::gone) {
      EXPECT_EQ(now->series[now->moved[i]], before->series[i]);
    }
}

TEST_F(SeriesRosters, AreEmptyForUnknownMetrics) {
  const auto family = open("nothing");
  ASSERT_TRUE(family);
  EXPECT_TRUE(family->roster()->series.empty());
  node.write({make_sample(series("nothing", 1), 2000, 1)});
  EXPECT_EQ(open("nothing")->roster()->series.size(), 1u);
}

TEST_F(SeriesRosters, AreNotForLargeMetricsNorBlocks) {
  EXPECT_TRUE(open("m", 50));
  EXPECT_FALSE(open("m", 49));
  node.store->flush();
  ASSERT_TRUE(node.maintain().ok());
  ASSERT_FALSE(node.store->blocks().empty());
  EXPECT_FALSE(open());
  EXPECT_TRUE(node.store->reader().family({.tenant = "",
                                           .metric = "m",
                                           .mint = 1'000'000'000,
                                           .maxt = 1'000'010'000,
                                           .max_series = 1000}));
}

TEST_F(SeriesRosters, ChargeTheBudgetAndGiveItBack) {
  const uint64_t before = node.memory.used();
  auto family = open();
  EXPECT_GT(node.memory.used(), before);
  family.reset();
  EXPECT_EQ(node.memory.used(), before);
  node.hold_memory(1 << 30);
  EXPECT_FALSE(open());
}

}  // namespace
}  // namespace troupe::storage
