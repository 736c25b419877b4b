#include "pipeline/parse/classic_histogram.h"

#include <gtest/gtest.h>

#include <cmath>

namespace troupe::parse {
namespace {

using spans = std::vector<histogram_span>;
using numbers = std::vector<double>;

classic_histogram of(std::vector<std::pair<double, double>> buckets) {
  classic_histogram c;
  for (const auto& [le, count] : buckets)
    c.set_bucket(le, count);
  return c;
}

TEST(ClassicHistogram, BecomesOneOfCustomBuckets) {
  auto c = of({{0.1, 2}, {1, 5}, {INFINITY, 9}});
  c.set_count(9);
  c.set_sum(7.5);
  const auto h = c.convert();
  ASSERT_TRUE(h);
  EXPECT_EQ(h->schema, histogram::custom_schema);
  EXPECT_FALSE(h->is_float);
  EXPECT_EQ(h->count, 9);
  EXPECT_EQ(h->sum, 7.5);
  EXPECT_EQ(h->custom_bounds, (numbers{0.1, 1}));
  EXPECT_EQ(h->positive_spans, (spans{{0, 3}}));
  EXPECT_EQ(h->positive_buckets, (numbers{2, 3, 4}));
}

TEST(ClassicHistogram, LastBucketMayBeMissing) {
  auto c = of({{1, 2}});
  c.set_count(5);
  EXPECT_EQ(c.convert()->positive_buckets, (numbers{2, 3}));
  const auto without_count = of({{1, 2}, {2, 4}}).convert();
  EXPECT_EQ(without_count->count, 4);
  EXPECT_EQ(without_count->custom_bounds, (numbers{1, 2}));
  classic_histogram only_count;
  only_count.set_count(3);
  EXPECT_TRUE(only_count.convert()->custom_bounds.empty());
  EXPECT_EQ(only_count.convert()->positive_buckets, numbers{3});
}

TEST(ClassicHistogram, LongRunsOfEmptyBucketsAreLeftOut) {
  auto c = of({{1, 0}, {2, 1}, {3, 1}, {4, 2}, {5, 2}, {6, 2}, {7, 2}, {INFINITY, 3}});
  const auto h = c.convert();
  EXPECT_EQ(h->positive_spans, (spans{{1, 3}, {3, 1}}));
  EXPECT_EQ(h->positive_buckets, (numbers{1, 0, 1, 1}));
  EXPECT_EQ(h->custom_bounds.size(), 7u);
}

TEST(ClassicHistogram, FractionsMakeAFloatHistogram) {
  const auto h = of({{1, 0.5}, {2, 0.5}, {INFINITY, 2}}).convert();
  EXPECT_TRUE(h->is_float);
  EXPECT_EQ(h->positive_spans, (spans{{0, 1}, {1, 1}}));
}

TEST(ClassicHistogram, AnyOrderAndRepeatedBounds) {
  const auto h = of({{INFINITY, 9}, {1, 5}, {0.1, 2}, {1, 7}}).convert();
  EXPECT_EQ(h->positive_buckets, (numbers{2, 3, 4}));
}

TEST(ClassicHistogram, ContradictionsGiveNone) {
  EXPECT_FALSE(classic_histogram().convert());
  EXPECT_FALSE(of({{1, 5}, {2, 4}}).convert());
  EXPECT_FALSE(of({{2, 4}, {1, 5}}).convert());
  EXPECT_FALSE(of({{1, -1}}).convert());
  auto other_total = of({{INFINITY, 5}});
  other_total.set_count(6);
  EXPECT_FALSE(other_total.convert());
  auto c = of({{1, 5}, {2, 4}});
  c.clear();
  c.set_bucket(INFINITY, 1);
  EXPECT_TRUE(c.convert());
}

}  // namespace
}  // namespace troupe::parse
