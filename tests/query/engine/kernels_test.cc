// Sums, quantiles and the structures between nodes, without an engine.
#include "query/engine/annotations.h"
#include "query/engine/budget.h"
#include "query/engine/kahan.h"
#include "query/engine/quantile.h"
#include "query/engine/sampling_hash.h"
#include "query/engine/step_vector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace troupe::query {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

double kahan_total(std::initializer_list<double> values) {
  double sum = 0;
  double c = 0;
  for (const double v : values)
    kahan_add(v, sum, c);
  return sum + c;
}

TEST(Kahan, KeepsWhatPlainAdditionLoses) {
  EXPECT_EQ(kahan_total({2, 8, 1e100, -1e100}), 10);
  EXPECT_EQ(kahan_total({1e100, 2, 8, -1e100}), 10);
  EXPECT_EQ(kahan_total({inf, 1}), inf);
  EXPECT_TRUE(std::isnan(kahan_total({inf, -inf})));
}

TEST(RunningMean, GoesOnIncrementallyWhereTheSumOverflows) {
  constexpr double big = 9.988465674311579e+307;
  running_mean m(big);
  for (int i = 0; i < 3; ++i)
    m.add(big);
  EXPECT_EQ(m.value(), big);
  running_mean mixed(-big);
  mixed.add(-big);
  mixed.add(big);
  mixed.add(big);
  EXPECT_EQ(mixed.value(), 0);
}

TEST(RunningMean, IsExactWhereNothingOverflows) {
  running_mean m(52);
  for (int i = 0; i < 12; ++i)
    m.add(52);
  EXPECT_EQ(m.value(), 52);
}

double quantile_of(double phi, std::vector<double> values) {
  return quantile(phi, values);
}

TEST(Quantile, InterpolatesBetweenNeighbours) {
  EXPECT_DOUBLE_EQ(quantile_of(0.8, {0, 1, 2}), 1.6);
  EXPECT_DOUBLE_EQ(quantile_of(0.8, {4, 0, 1}), 2.8);
  EXPECT_DOUBLE_EQ(quantile_of(1, {4, 0, 1}), 4);
  EXPECT_DOUBLE_EQ(quantile_of(0, {4, 0, 1}), 0);
  EXPECT_DOUBLE_EQ(quantile_of(0.3, {7}), 7);
}

TEST(Quantile, NanSortsLowest) {
  EXPECT_DOUBLE_EQ(quantile_of(0.8, {1, nan_value, 0}), 0.6);
  EXPECT_TRUE(std::isnan(quantile_of(0.2, {1, nan_value, 0})));
}

TEST(Quantile, OutOfRange) {
  EXPECT_EQ(quantile_of(-0.1, {1}), -inf);
  EXPECT_EQ(quantile_of(1.1, {1}), inf);
  EXPECT_TRUE(std::isnan(quantile_of(nan_value, {1})));
  EXPECT_TRUE(std::isnan(quantile_of(0.5, {})));
}

double bucket_quantile_of(double phi, std::vector<bucket> buckets) {
  return bucket_quantile(phi, buckets).value;
}

TEST(BucketQuantile, InterpolatesWithinABucket) {
  const std::vector<bucket> buckets = {{2, 1}, {4, 2}, {6, 3}, {inf, 3}};
  EXPECT_DOUBLE_EQ(bucket_quantile_of(1.0 / 6, buckets), 1);
  EXPECT_DOUBLE_EQ(bucket_quantile_of(0.5, buckets), 3);
  EXPECT_DOUBLE_EQ(bucket_quantile_of(5.0 / 6, buckets), 5);
}

TEST(BucketQuantile, EdgesOfTheBuckets) {
  EXPECT_DOUBLE_EQ(bucket_quantile_of(0.99, {{1, 1}, {inf, 100}}), 1);   // in +Inf: its lower end
  EXPECT_DOUBLE_EQ(bucket_quantile_of(0.1, {{-1, 10}, {inf, 10}}), -1);  // no bound below
  EXPECT_TRUE(std::isnan(bucket_quantile_of(0.5, {{1, 1}, {2, 2}})));    // no +Inf bucket
  EXPECT_TRUE(std::isnan(bucket_quantile_of(0.5, {{inf, 2}})));
  EXPECT_TRUE(std::isnan(bucket_quantile_of(0.5, {{1, 0}, {inf, 0}})));
}

TEST(BucketQuantile, RepairsCountsThatFall) {
  std::vector<bucket> buckets = {{0.1, 20}, {1, 10}, {10, 50}, {inf, 50}};
  const bucket_quantile_result r = bucket_quantile(0.5, buckets);
  EXPECT_TRUE(r.forced_monotonic);
  EXPECT_EQ(r.min_bucket, 1);
  EXPECT_EQ(r.max_bucket, 1);
  EXPECT_EQ(r.max_diff, 10);
  std::vector<bucket> rounding = {{0.1, 20}, {1, 20 - 1e-12}, {inf, 50}};
  EXPECT_FALSE(bucket_quantile(0.5, rounding).forced_monotonic);
}

TEST(BucketQuantile, SortsAndJoinsEqualBounds) {
  EXPECT_DOUBLE_EQ(bucket_quantile_of(0.5, {{inf, 4}, {0.2, 1}, {0.1, 1}, {0.2, 1}}), 0.2);
}

TEST(BucketFraction, SharesOfABucket) {
  std::vector<bucket> buckets = {{1, 1}, {2, 3}, {3, 6}, {inf, 100}};
  EXPECT_DOUBLE_EQ(bucket_fraction(0, 1.5, buckets), 0.02);
  EXPECT_DOUBLE_EQ(bucket_fraction(2, 5, buckets), 0.03);
  EXPECT_DOUBLE_EQ(bucket_fraction(400, inf, buckets), 0.94);
  EXPECT_DOUBLE_EQ(bucket_fraction(-inf, inf, buckets), 1);
  EXPECT_DOUBLE_EQ(bucket_fraction(2, 2, buckets), 0);
  EXPECT_TRUE(std::isnan(bucket_fraction(nan_value, 1, buckets)));
}

step_series make_series(const char* name, uint32_t first, std::vector<double> values) {
  step_series s;
  s.metric = labels::from({{"__name__", name}, {"a", "b"}});
  s.first = first;
  s.values = std::move(values);
  return s;
}

class StepVector : public ::testing::Test {
 protected:
  manual_clock clock;
  budget limits{clock, 0, 1000, 1 << 20, nullptr};
  step_vector v{limits};
};

TEST_F(StepVector, KeepsOnlyTheFilledPart) {
  step_scratch scratch;
  scratch.reset(6);
  scratch.set(2, 7.0);
  scratch.set(4, 8.0);
  ASSERT_TRUE(v.push(labels(), false, scratch).ok());
  ASSERT_EQ(v.series.size(), 1U);
  const step_series& s = v.series[0];
  EXPECT_EQ(s.first, 2U);
  EXPECT_EQ(s.end(), 5U);
  EXPECT_EQ(s.value_at(2), 7);
  EXPECT_FALSE(s.has(3));
  EXPECT_EQ(s.value_at(4), 8);
  EXPECT_FALSE(s.has(0));
  EXPECT_FALSE(s.has(5));
  scratch.reset(6);
  ASSERT_TRUE(v.push(labels(), false, scratch).ok());
  EXPECT_EQ(v.series.size(), 1U) << "an empty series is none";
}

TEST_F(StepVector, MergesSeriesThatTakeTurns) {
  ASSERT_TRUE(v.push(make_series("x", 3, {4, 5})).ok());
  ASSERT_TRUE(v.push(make_series("y", 0, {9})).ok());
  ASSERT_TRUE(v.push(make_series("x", 0, {1, absent(), 3})).ok());
  ASSERT_TRUE(merge_same_labelset(v).ok());
  ASSERT_EQ(v.series.size(), 2U);
  const step_series& x = v.series[0];
  EXPECT_EQ(x.first, 0U);
  EXPECT_EQ(x.value_at(0), 1);
  EXPECT_FALSE(x.has(1));
  EXPECT_EQ(x.value_at(2), 3);
  EXPECT_EQ(x.value_at(4), 5);
}

TEST_F(StepVector, RefusesSeriesThatOverlap) {
  ASSERT_TRUE(v.push(make_series("x", 0, {1, 2})).ok());
  ASSERT_TRUE(v.push(make_series("x", 1, {3})).ok());
  EXPECT_EQ(merge_same_labelset(v).message(),
            "vector cannot contain metrics with the same labelset");
}

TEST_F(StepVector, ChargesAndReleasesTheBudget) {
  {
    step_vector inner(limits);
    ASSERT_TRUE(inner.push(make_series("x", 0, std::vector<double>(900, 1))).ok());
    EXPECT_EQ(v.push(make_series("y", 0, std::vector<double>(200, 1))).code(),
              errc::resource_exhausted);
  }
  EXPECT_TRUE(v.push(make_series("y", 0, std::vector<double>(200, 1))).ok());
  EXPECT_EQ(limits.peak_samples(), 900U);
}

TEST(Labels, MetadataLabelsAreDropped) {
  const labels l =
      labels::from({{"__name__", "x"}, {"__type__", "counter"}, {"__unit__", "s"}, {"a", "b"}});
  EXPECT_EQ(drop_metadata_labels(l), labels::from({{"a", "b"}}));
  const labels plain = labels::from({{"a", "b"}});
  EXPECT_TRUE(drop_metadata_labels(plain).same_object(plain));
}

TEST(Text, NumbersAsGoPrintsThem) {
  EXPECT_EQ(format_go_g(0.5), "0.5");
  EXPECT_EQ(format_go_g(-1.1), "-1.1");
  EXPECT_EQ(format_go_g(100), "100");
  EXPECT_EQ(format_go_g(123456), "123456");
  EXPECT_EQ(format_go_g(1795521847), "1.795521847e+09");
  EXPECT_EQ(format_go_g(0.00001), "1e-05");
  EXPECT_EQ(format_go_g(inf), "+Inf");
  EXPECT_EQ(format_go_g(nan_value), "NaN");
}

TEST(Text, PositionsAreLineAndColumn) {
  EXPECT_EQ(format_position("sum(\n  rate(x[5m]))", 0), "1:1");
  EXPECT_EQ(format_position("sum(\n  rate(x[5m]))", 7), "2:3");
}

// XXH64 of known inputs (the algorithm's own test vectors, seed 0), through the label encoding.
TEST(SamplingHash, EmptyLabelsHashTheEmptyText) {
  EXPECT_DOUBLE_EQ(sampling_offset(labels()),
                   static_cast<double>(0xEF46DB3751D8E999ULL) / 18446744073709551616.0);
}

}  // namespace
}  // namespace troupe::query
