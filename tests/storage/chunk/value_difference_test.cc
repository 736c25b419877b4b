// Differences of two columns: either comes back from the other to the bit, or there are none.
#include "storage/chunk/value_difference.h"

#include "storage/base/random.h"
#include "storage/model/sample.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <limits>
#include <vector>

namespace troupe::storage {
namespace {

using doubles = std::vector<double>;

void expect_same(const doubles& got, const doubles& want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_EQ(std::bit_cast<uint64_t>(got[i]), std::bit_cast<uint64_t>(want[i])) << i;
}

// True if there are differences; they must give back both columns.
bool gives_back(const doubles& lower, const doubles& upper) {
  const auto d = difference_of(lower, upper);
  if (!d)
    return false;
  doubles rows(lower.size());
  byte_reader in(d->column);
  EXPECT_TRUE(decode_values(in, d->form, rows) && in.at_end());
  doubles back = rows;
  apply_differences(lower, difference_sign::added, back);
  expect_same(back, upper);
  back = rows;
  apply_differences(upper, difference_sign::subtracted, back);
  expect_same(back, lower);
  return true;
}

TEST(value_difference, of_buckets) {
  seeded_random random(1);
  for (const size_t n : {1, 2, 63, 64, 65, 5824}) {
    doubles lower, upper;
    double a = 0, b = 0;
    for (size_t i = 0; i < n; ++i) {
      lower.push_back(a += static_cast<double>(random.below(100)));
      upper.push_back(a + (b += static_cast<double>(random.below(5))));
    }
    EXPECT_TRUE(gives_back(lower, upper)) << n;
    EXPECT_TRUE(gives_back(lower, lower)) << n;
  }
}

TEST(value_difference, of_what_is_not_finite) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const double stale = stale_nan(), nan = std::bit_cast<double>(uint64_t{0xfff8dead00000001});
  EXPECT_TRUE(gives_back({1, stale, 7, nan, inf}, {2, stale, 9, nan, inf}));
  EXPECT_TRUE(gives_back({inf, nan}, {inf, nan}));
  EXPECT_TRUE(gives_back({-0.0, 1}, {-0.0, 2}));
  // Only one of the two would come back.
  EXPECT_FALSE(gives_back({1, stale}, {2, 3}));
  EXPECT_FALSE(gives_back({1, 3}, {2, stale}));
  EXPECT_FALSE(gives_back({-0.0}, {0.0}));
  EXPECT_FALSE(gives_back({0.0}, {-0.0}));
  EXPECT_FALSE(gives_back({1}, {inf}));
}

TEST(value_difference, of_numbers_that_round) {
  EXPECT_FALSE(gives_back({0.1}, {1e17}));
  EXPECT_FALSE(
      gives_back({std::numeric_limits<double>::max()}, {std::numeric_limits<double>::lowest()}));
  EXPECT_TRUE(gives_back({9007199254740991.0}, {9007199254740992.0}));
  EXPECT_TRUE(gives_back({0.5, 0.75}, {2.5, 3}));
}

TEST(value_difference, of_any_bits_gives_back_or_nothing) {
  seeded_random random(2);
  size_t held = 0;
  for (int round = 0; round < 5000; ++round) {
    doubles lower, upper;
    for (size_t i = 0, n = 1 + random.below(3); i < n; ++i) {
      lower.push_back(std::bit_cast<double>(random.next() << random.below(64)));
      upper.push_back(random.below(3) ? lower.back()
                                      : std::bit_cast<double>(random.next() << random.below(64)));
    }
    held += gives_back(lower, upper);
  }
  EXPECT_GT(held, 500u);
}

}  // namespace
}  // namespace troupe::storage
