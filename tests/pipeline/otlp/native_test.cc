#include "pipeline/otlp/native.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace troupe::otlp {
namespace {

using spans = std::vector<histogram_span>;
using counts = std::vector<double>;

histogram_ptr exponential(int32_t scale, int32_t offset, std::vector<uint64_t> buckets) {
  data_point p;
  p.scale = scale;
  p.positive = {offset, std::move(buckets)};
  for (const uint64_t n : p.positive.counts)
    p.count += n;
  auto h = exponential_histogram(p);
  EXPECT_TRUE(h.ok());
  EXPECT_TRUE((*h)->validate().ok()) << (*h)->validate().message();
  return *h;
}

TEST(native, indices_are_moved_by_one) {
  const auto h = exponential(3, 0, {5, 6});
  EXPECT_EQ(h->schema, 3);
  EXPECT_EQ(h->zero_threshold, 1e-128);
  EXPECT_EQ(h->positive_spans, (spans{{1, 2}}));
  EXPECT_EQ(h->positive_buckets, (counts{5, 6}));
  EXPECT_EQ(exponential(0, -7, {1})->positive_spans, (spans{{-6, 1}}));
}

TEST(native, gaps_of_up_to_two_are_filled) {
  auto h = exponential(0, 0, {5, 0, 0, 7, 0, 0, 0, 1});
  EXPECT_EQ(h->positive_spans, (spans{{1, 4}, {3, 1}}));
  EXPECT_EQ(h->positive_buckets, (counts{5, 0, 0, 7, 1}));
  h = exponential(0, 0, {0, 0, 0, 4});
  EXPECT_EQ(h->positive_spans, (spans{{1, 0}, {3, 1}}));
  h = exponential(0, 0, {0, 0});
  EXPECT_EQ(h->positive_buckets, (counts{0, 0})) << "the last bucket is kept, empty or not";
}

/// Counts by index, empty ones left out.
std::map<int64_t, double> by_index(const spans& s, const counts& buckets) {
  std::map<int64_t, double> out;
  int64_t index = 0;
  size_t at = 0;
  for (const auto& span : s) {
    index += span.offset;
    for (uint32_t i = 0; i < span.length; ++i, ++index)
      if (const double n = buckets[at++]; n != 0)
        out[index] += n;
  }
  return out;
}

TEST(native, scales_above_eight_are_merged) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const int32_t scale = static_cast<int32_t>(random() % 13) - 4;
    const int32_t offset = static_cast<int32_t>(random() % 200) - 100;
    std::vector<uint64_t> buckets(random() % 60);
    for (auto& b : buckets)
      b = random() % 3 == 0 ? random() % 10 : 0;
    const auto h = exponential(scale, offset, buckets);
    EXPECT_EQ(h->schema, std::min(scale, 8));
    std::map<int64_t, double> expected;
    for (size_t i = 0; i < buckets.size(); ++i)
      if (buckets[i] != 0)
        expected[((offset + static_cast<int64_t>(i)) >> std::max(scale - 8, 0)) + 1] +=
            static_cast<double>(buckets[i]);
    EXPECT_EQ(by_index(h->positive_spans, h->positive_buckets), expected);
  }
}

TEST(native, what_no_schema_has_is_refused) {
  data_point p;
  p.scale = -5;
  EXPECT_EQ(exponential_histogram(p).error().message(),
            "cannot convert exponential to native histogram. Scale must be >= -4, was -5");
  p.scale = 8;
  p.negative = {INT32_MAX, {1, 2}};
  EXPECT_EQ(exponential_histogram(p).error().message(), "a bucket's index is out of range");
  p.scale = INT32_MAX;
  p.count = 3;
  auto h = exponential_histogram(p);
  ASSERT_TRUE(h.ok());
  EXPECT_TRUE((*h)->validate().ok());
  p.negative.offset = INT32_MIN;
  EXPECT_TRUE(exponential_histogram(p).ok());
}

TEST(native, custom_buckets) {
  data_point p;
  p.count = 10;
  p.sum = 2.5;
  p.bounds = {1, 2, 3, 4};
  p.bucket_counts = {0, 3, 0, 0, 7};
  const auto h = custom_histogram(p);
  EXPECT_TRUE(h->validate().ok());
  EXPECT_EQ(h->schema, histogram::custom_schema);
  EXPECT_EQ(h->custom_bounds, p.bounds);
  EXPECT_EQ(h->positive_spans, (spans{{1, 4}}));
  EXPECT_EQ(h->positive_buckets, (counts{3, 0, 0, 7}));
  EXPECT_EQ(h->sum, 2.5);
  p.bucket_counts = {0, 0};
  p.count = 0;
  EXPECT_TRUE(custom_histogram(p)->positive_spans.empty());
}

TEST(native, an_ended_series_is_stale) {
  data_point p;
  p.no_value = true;
  p.count = 3;
  EXPECT_TRUE((*exponential_histogram(p))->is_stale());
  EXPECT_TRUE((*exponential_histogram(p))->validate().ok());
  EXPECT_TRUE(custom_histogram(p)->is_stale());
  EXPECT_TRUE(custom_histogram(p)->validate().ok());
}

}  // namespace
}  // namespace troupe::otlp
