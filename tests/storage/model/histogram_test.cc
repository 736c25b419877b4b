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

}  // namespace
}  // namespace troupe
