// Arithmetic on native histograms.
#include "query/engine/histogram_math.h"

#include "query/engine/histogram_sum.h"
#include "query/engine/histogram_trim.h"
#include "query/engine/native_quantile.h"
#include "query/promqltest/series_notation.h"

#include <gtest/gtest.h>

#include <cmath>

namespace troupe::query {
namespace {

histogram parsed(std::string_view text) {
  const auto line = parse_series_line("h {{" + std::string(text) + "}}");
  EXPECT_TRUE(line.ok()) << text;
  return *line->values.at(0).histogram;
}

std::string sum_of(std::string_view a, std::string_view b) {
  wide_histogram w(parsed(a));
  const combine_result r = w.add(parsed(b));
  return r.compatible ? to_text(*w.build()) : "incompatible";
}

TEST(HistogramMath, AddsBucketByBucket) {
  EXPECT_EQ(sum_of("schema:0 count:4 sum:5 buckets:[1 2 1]", "schema:0 count:3 sum:1 buckets:[3]"),
            "{count:7, sum:6, (0.5,1]:4, (1,2]:2, (2,4]:1}");
  EXPECT_EQ(sum_of("count:1 sum:-1 n_buckets:[1]", "count:1 sum:8 buckets:[1] offset:3"),
            "{count:2, sum:7, [-1,-0.5):1, (4,8]:1}");
}

TEST(HistogramMath, TakesTheLowerResolution) {
  EXPECT_EQ(
      sum_of("schema:1 count:4 sum:1 buckets:[1 1 1 1]", "schema:0 count:1 sum:1 buckets:[1]"),
      "{count:5, sum:2, (0.5,1]:2, (1,2]:2, (2,4]:1}");
}

TEST(HistogramMath, TakesTheWiderZeroBucket) {
  EXPECT_EQ(sum_of("count:3 sum:1 z_bucket:1 z_bucket_w:0.5 buckets:[2]",
                   "count:3 sum:1 z_bucket:1 z_bucket_w:0.001 buckets:[1 1] offset:-1"),
            "{count:6, sum:2, [-0.5,0.5]:3, (0.5,1]:3}");
  // A threshold within a filled bucket grows to its end.
  EXPECT_EQ(sum_of("count:1 sum:1 z_bucket:1 z_bucket_w:0.75", "count:1 sum:1 buckets:[1]"),
            "{count:2, sum:2, [-1,1]:2}");
}

TEST(HistogramMath, KeepsTheCommonCustomBounds) {
  EXPECT_EQ(sum_of("schema:-53 count:3 sum:1 custom_values:[2 5 10] buckets:[1 1 1]",
                   "schema:-53 count:2 sum:1 custom_values:[5 7] buckets:[1 1]"),
            "{count:5, sum:2, [-Inf,5]:3, (5,+Inf]:2}");
  EXPECT_EQ(sum_of("schema:-53 count:1 sum:1 custom_values:[2] buckets:[1]", "count:1 sum:1"),
            "incompatible");
}

TEST(HistogramMath, HintsOfASum) {
  using enum counter_reset_hint;
  const auto hint_of = [](counter_reset_hint a, counter_reset_hint b, bool& collision) {
    histogram x = parsed("count:1 sum:1");
    histogram y = x;
    x.hint = a;
    y.hint = b;
    wide_histogram w(x);
    collision = w.add(y).reset_collision;
    return w.build()->hint;
  };
  bool collision = false;
  EXPECT_EQ(hint_of(not_reset, not_reset, collision), not_reset);
  EXPECT_EQ(hint_of(not_reset, gauge, collision), gauge);
  EXPECT_EQ(hint_of(unknown, not_reset, collision), unknown);
  EXPECT_FALSE(collision);
  EXPECT_EQ(hint_of(reset, not_reset, collision), unknown);
  EXPECT_TRUE(collision);
}

TEST(HistogramMath, Scales) {
  const histogram h = parsed("count:3 sum:6 buckets:[1 2]");
  EXPECT_EQ(to_text(*scaled(h, -2)), "{count:-6, sum:-12, (0.5,1]:-2, (1,2]:-4}");
  EXPECT_EQ(scaled(h, -2)->hint, counter_reset_hint::gauge);
  EXPECT_EQ(to_text(*divided(h, 2)), "{count:1.5, sum:3, (0.5,1]:0.5, (1,2]:1}");
  EXPECT_EQ(to_text(*divided(h, 0)), "{count:+Inf, sum:+Inf}");
  EXPECT_EQ(to_text(*scaled(h, 1e6)), "{count:3e+06, sum:6e+06, (0.5,1]:1e+06, (1,2]:2e+06}");
}

TEST(HistogramMath, DetectsResets) {
  const histogram h = parsed("schema:0 count:4 sum:5 buckets:[1 2 1]");
  const auto reset_to = [&](std::string_view text) { return detect_reset(parsed(text), h); };
  EXPECT_FALSE(reset_to("schema:0 count:4 sum:5 buckets:[1 2 1]"));
  EXPECT_FALSE(reset_to("schema:0 count:5 sum:9 buckets:[1 2 2]"));
  EXPECT_TRUE(reset_to("schema:0 count:3 sum:5 buckets:[1 1 1]"));
  EXPECT_TRUE(reset_to("schema:0 count:5 sum:5 buckets:[1 1 3]")) << "one bucket fell";
  EXPECT_TRUE(reset_to("schema:0 count:5 sum:5 buckets:[1 0 1]")) << "one bucket went";
  EXPECT_TRUE(reset_to("schema:1 count:9 sum:9 buckets:[9]")) << "a finer resolution";
  EXPECT_FALSE(reset_to("schema:-1 count:9 sum:9 buckets:[2 7]"));
  EXPECT_TRUE(reset_to("count:9 sum:9 buckets:[9 9 9] counter_reset_hint:reset"));
  EXPECT_FALSE(reset_to("count:1 sum:1 counter_reset_hint:not_reset"));
}

TEST(HistogramMath, SumsWithKahanInEveryBucket) {
  histogram_sum sum;
  for (const char* text : {"count:1 sum:5.3 buckets:[1]", "count:2 sum:1e100 buckets:[2]",
                           "count:3 sum:1 buckets:[3]", "count:4 sum:-1e100 buckets:[4]"})
    ASSERT_TRUE(sum.add(parsed(text)));
  EXPECT_EQ(to_text(*sum.value()), "{count:10, sum:6.3, (0.5,1]:10}");
}

TEST(HistogramMath, MeansThatWouldOverflow) {
  histogram_mean mean;
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(mean.add(parsed("count:1.5e308 sum:3")));
  EXPECT_DOUBLE_EQ(mean.value()->count, 1.5e308);
  EXPECT_DOUBLE_EQ(mean.value()->sum, 3);
}

TEST(HistogramMath, BucketsAreRangesOfValues) {
  const auto b =
      buckets_of(parsed("schema:0 count:4 sum:0 z_bucket:1 z_bucket_w:0.1 "
                        "buckets:[1] n_buckets:[1 1]"));
  ASSERT_EQ(b.size(), 4U);
  EXPECT_EQ(b[0].lower, -2);
  EXPECT_EQ(b[1].upper, -0.5);
  EXPECT_EQ(b[2].upper, 0.1);
  EXPECT_EQ(b[3].lower, 0.5);
  EXPECT_DOUBLE_EQ(exponential_bound(1, 1), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(exponential_bound(-1, 0), 0.5);
  EXPECT_DOUBLE_EQ(exponential_bound(1, -1), 4);
  EXPECT_EQ(exponential_bound(1024, 0), std::numeric_limits<double>::max());
}

TEST(HistogramMath, QuantilesAndFractionsAreInverse) {
  annotations notes;
  const histogram h = parsed(
      "schema:0 count:12 sum:100 z_bucket:2 z_bucket_w:0.001 "
      "buckets:[2 3 0 1 4]");
  for (const double phi : {0.1, 0.3, 0.5, 0.77, 0.99}) {
    const double x = native_quantile(phi, h, "h", {}, notes);
    EXPECT_NEAR(native_fraction(-INFINITY, x, h, "h", {}, notes), phi, 1e-12);
  }
  EXPECT_TRUE(notes.empty());
}

TEST(HistogramMath, TrimsWithinABucket) {
  const histogram h = parsed(
      "schema:-53 count:15 sum:172.5 custom_values:[5 10 15 20] "
      "buckets:[1 6 4 3 1]");
  EXPECT_EQ(to_text(*trimmed(h, 13, true)),
            "{count:9.4, sum:75.1, [-Inf,5]:1, (5,10]:6, (10,15]:2.4}");
  EXPECT_EQ(to_text(*trimmed(h, 0, false)), to_text(h)) << "nothing lies below";
}

}  // namespace
}  // namespace troupe::query
