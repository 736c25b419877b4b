#include "storage/chunk/value_stats.h"

#include "storage/base/random.h"
#include "storage/model/sample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace troupe::storage {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::bit_cast<double>(normal_nan_bits);

TEST(value_stats, of_a_counter) {
  const std::vector<double> v{5, 7, 2, 4, 4, 1, 9};
  const value_stats s = stats_of(v);
  EXPECT_EQ(s.count, 7u);
  EXPECT_EQ(s.first, 5);
  EXPECT_EQ(s.last, 9);
  EXPECT_EQ(s.min, 1);
  EXPECT_EQ(s.max, 9);
  EXPECT_EQ(s.sum + s.compensation, 32);
  EXPECT_EQ(s.resets, 2u);
  EXPECT_EQ(s.reset_sum, 7 + 4);
  EXPECT_EQ(s.last - s.first + s.reset_sum, 2 + 2 + 2 + 0 + 1 + 8);  // the increase
}

TEST(value_stats, stale_markers_are_no_samples) {
  const value_stats s = stats_of(std::vector<double>{stale_nan(), 5, stale_nan(), 3, stale_nan()});
  EXPECT_EQ(s.count, 2u);
  EXPECT_EQ(s.first, 5);
  EXPECT_EQ(s.last, 3);
  EXPECT_EQ(s.sum, 8);
  EXPECT_EQ(s.resets, 1u);
  EXPECT_EQ(s.reset_sum, 5);
  EXPECT_EQ(stats_of(std::vector<double>{stale_nan()}).count, 0u);
  EXPECT_EQ(stats_of({}).count, 0u);
}

TEST(value_stats, nan_counts_but_is_no_extreme_and_no_reset) {
  const value_stats s = stats_of(std::vector<double>{4, nan, 3});
  EXPECT_EQ(s.count, 3u);
  EXPECT_EQ(s.min, 3);
  EXPECT_EQ(s.max, 4);
  EXPECT_TRUE(std::isnan(s.sum));
  EXPECT_EQ(s.compensation, 0);
  EXPECT_EQ(s.resets, 0u);
  const value_stats only = stats_of(std::vector<double>{nan, nan});
  EXPECT_TRUE(std::isnan(only.min) && std::isnan(only.max));
  EXPECT_EQ(only.count, 2u);
}

TEST(value_stats, sums_keep_what_additions_lose) {
  const value_stats s = stats_of(std::vector<double>{1, 1e100, 1, -1e100});
  EXPECT_EQ(s.sum + s.compensation, 2);
  EXPECT_EQ(stats_of(std::vector<double>{1, inf, 2}).sum, inf);
  EXPECT_EQ(stats_of(std::vector<double>{1, inf, 2}).compensation, 0);
  EXPECT_TRUE(std::isnan(stats_of(std::vector<double>{inf, -inf}).sum));
  // Twenty infinities meet in one lane.
  EXPECT_EQ(stats_of(std::vector<double>(20, -inf)).sum, -inf);
}

TEST(value_stats, merged_parts_are_the_whole) {
  seeded_random random(31);
  for (int round = 0; round < 2000; ++round) {
    std::vector<double> v(random.below(150));
    for (auto& x : v)
      x = random.below(40) == 0                ? stale_nan()
          : random.below(60) == 0              ? inf
          : random.below(60) == 0 && round % 2 ? nan
                                               : std::floor(random.unit() * 1000) / 8;
    const size_t cut = random.below(v.size() + 1);
    const std::span<const double> all(v);
    const value_stats whole = stats_of(all),
                      parts = merge(stats_of(all.first(cut)), stats_of(all.subspan(cut)));
    ASSERT_EQ(parts.count, whole.count);
    if (whole.count == 0)
      continue;
    const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
    EXPECT_TRUE(same(parts.first, whole.first));
    EXPECT_TRUE(same(parts.last, whole.last));
    EXPECT_TRUE(same(parts.min, whole.min));
    EXPECT_TRUE(same(parts.max, whole.max));
    EXPECT_TRUE(same(parts.sum + parts.compensation, whole.sum + whole.compensation));
    EXPECT_EQ(parts.resets, whole.resets);
    EXPECT_TRUE(same(parts.reset_sum, whole.reset_sum));
  }
}

}  // namespace
}  // namespace troupe::storage
