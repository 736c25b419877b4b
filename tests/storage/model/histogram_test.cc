#include "storage/model/histogram.h"

#include "storage/base/random.h"
#include "storage/model/sample.h"

#include <gtest/gtest.h>

#include <limits>

namespace troupe {
namespace {

histogram random_histogram(seeded_random& random) {
  histogram h;
  h.is_float = random.below(2) == 0;
  h.schema =
      random.below(4) == 0 ? histogram::custom_schema : static_cast<int32_t>(random.below(13)) - 4;
  h.hint = static_cast<counter_reset_hint>(random.below(4));
  const auto number = [&] {
    return h.is_float ? random.unit() * 100
                      : static_cast<double>(random.below(1ULL << random.below(53)));
  };
  const auto side = [&](auto& spans, auto& buckets) {
    for (uint64_t n = random.below(4); n > 0; --n) {
      spans.push_back(
          {static_cast<int32_t>(random.below(20)) - 10, static_cast<uint32_t>(random.below(5))});
      for (uint32_t i = 0; i < spans.back().length; ++i)
        buckets.push_back(number());
    }
  };
  h.zero_threshold = random.unit();
  h.zero_count = number();
  h.count = number();
  h.sum = random.below(5) == 0 ? stale_nan() : random.unit() - 0.5;
  side(h.positive_spans, h.positive_buckets);
  side(h.negative_spans, h.negative_buckets);
  if (h.schema == histogram::custom_schema)
    h.custom_bounds = {0.1, 1, std::numeric_limits<double>::max()};
  return h;
}

TEST(histogram, round_trips_bit_for_bit_and_canonically) {
  seeded_random random(11);
  for (int i = 0; i < 2000; ++i) {
    const auto h = random_histogram(random);
    std::string bytes, again;
    h.encode(bytes);
    const auto back = histogram::decode(bytes);
    ASSERT_TRUE(back.ok());
    ASSERT_EQ(*back, h);
    EXPECT_EQ(back->is_stale(), is_stale(h.sum));
    back->encode(again);
    ASSERT_EQ(again, bytes);
  }
}

TEST(histogram, damaged_bytes_never_crash_and_cuts_are_errors) {
  seeded_random random(12);
  for (int i = 0; i < 300; ++i) {
    std::string bytes;
    random_histogram(random).encode(bytes);
    for (size_t n = 0; n < bytes.size(); ++n)
      ASSERT_EQ(histogram::decode(std::string_view(bytes).substr(0, n)).code(), errc::corruption);
    for (int k = 0; k < 20; ++k) {
      std::string bad = bytes;
      bad[random.below(bad.size())] ^= static_cast<char>(1u << random.below(8));
      const auto r = histogram::decode(bad);
      EXPECT_TRUE(r.ok() || r.code() == errc::corruption);
    }
  }
}

TEST(histogram, equality_sees_bits) {
  histogram a, b;
  a.sum = 0.0;
  b.sum = -0.0;
  EXPECT_FALSE(a == b);
  a.sum = b.sum = stale_nan();
  EXPECT_TRUE(a == b);
}

TEST(histogram, validates_as_prometheus_does) {
  histogram good;
  good.schema = 3;
  good.count = 10;
  good.sum = 2.5;
  good.zero_count = 1;
  good.positive_spans = {{-2, 2}, {1, 1}};
  good.positive_buckets = {1, 2, 3};
  good.negative_spans = {{0, 1}};
  good.negative_buckets = {3};
  EXPECT_TRUE(good.validate().ok());

  histogram custom;
  custom.schema = histogram::custom_schema;
  custom.count = 3;
  custom.custom_bounds = {0.1, 1};
  custom.positive_spans = {{0, 1}, {1, 1}};
  custom.positive_buckets = {1, 2};
  EXPECT_TRUE(custom.validate().ok());

  histogram stale;
  stale.sum = stale_nan();
  EXPECT_TRUE(stale.validate().ok());

  const auto why = [](histogram h, auto change) {
    change(h);
    const status s = h.validate();
    EXPECT_EQ(s.code(), errc::invalid_argument);
    return std::string(s.message());
  };
  const double inf = std::numeric_limits<double>::infinity();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  using h = histogram;
  EXPECT_EQ(why(good, [](h& x) { x.schema = 9; }), "unknown schema 9");
  EXPECT_EQ(why(good, [](h& x) { x.schema = -5; }), "unknown schema -5");
  EXPECT_EQ(why(good, [](h& x) { x.positive_spans[1].length = 2; }),
            "spans need 4 buckets, have 3");
  EXPECT_EQ(why(good, [](h& x) { x.positive_spans[1].offset = -1; }),
            "span 1 has the negative offset -1");
  EXPECT_EQ(why(good, [](h& x) { x.positive_spans[0].offset = INT32_MAX; }),
            "span offset is too large");
  EXPECT_EQ(why(good, [](h& x) { x.negative_buckets[0] = -3; }), "a bucket has a negative count");
  EXPECT_EQ(why(good, [](h& x) { x.zero_count = -1; }), "a negative count");
  EXPECT_EQ(why(good, [](h& x) { x.count = 9; }), "the count is not that of all buckets together");
  EXPECT_EQ(why(good, [](h& x) { x.custom_bounds = {1}; }),
            "custom bounds with the exponential schema 3");
  EXPECT_EQ(why(custom, [](h& x) { x.custom_bounds = {1, 1}; }), "custom bounds do not ascend");
  EXPECT_EQ(why(custom, [&](h& x) { x.custom_bounds = {1, nan}; }), "custom bounds do not ascend");
  EXPECT_EQ(why(custom,
                [&](h& x) {
                  x.custom_bounds = {1, inf};
                }),
            "the last custom bound is infinite, which goes without saying");
  EXPECT_EQ(why(custom, [](h& x) { x.custom_bounds = {1}; }),
            "spans reach beyond the custom bounds");
  EXPECT_EQ(why(custom, [](h& x) { x.zero_threshold = 1; }), "custom buckets with a zero bucket");
  EXPECT_EQ(why(custom,
                [](h& x) {
                  x.negative_spans = {{0, 0}};
                }),
            "custom buckets with negative buckets");

  // NaN observations are in the count and in no bucket; sums of floats are rounded.
  good.count = 12;
  EXPECT_FALSE(good.validate().ok());
  good.sum = nan;
  EXPECT_TRUE(good.validate().ok());
  good.sum = 1;
  good.is_float = true;
  EXPECT_TRUE(good.validate().ok());
}

}  // namespace
}  // namespace troupe
