#include "storage/chunk/common_divisor.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <array>

namespace troupe::storage {
namespace {

TEST(common_divisor, finds_it_and_divides_by_it) {
  seeded_random random(3);
  for (int round = 0; round < 2000; ++round) {
    const uint64_t factor = 1 + (random.next() >> (30 + random.below(34)));
    std::array<int64_t, 20> quotients;
    int64_t expected = 0;
    common_divisor found;
    for (auto& q : quotients) {
      q = static_cast<int64_t>(random.below(1u << 29)) - (1 << 28);
      if (random.below(4) == 0)
        q = 0;
      expected = std::gcd(expected, q);
      found.take(factor * static_cast<uint64_t>(q));
    }
    const uint64_t all = factor * static_cast<uint64_t>(expected);
    ASSERT_EQ(found.value(), all);
    ASSERT_EQ(found.is_one(), all == 1);
    const exact_division divide(factor);
    for (const int64_t q : quotients)
      ASSERT_EQ(static_cast<int64_t>(divide(factor * static_cast<uint64_t>(q))), q);
  }
  EXPECT_EQ(common_divisor().value(), 0u);
}

}  // namespace
}  // namespace troupe::storage
