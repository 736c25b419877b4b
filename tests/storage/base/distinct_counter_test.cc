#include "storage/base/distinct_counter.h"

#include <gtest/gtest.h>

#include <cmath>

namespace troupe {
namespace {

TEST(distinct_counter, estimates_within_three_standard_errors) {
  EXPECT_EQ(distinct_counter().estimate(), 0u);
  distinct_counter c;
  uint64_t n = 0;
  for (const uint64_t goal : {1u, 10u, 100u, 1'000u, 10'000u, 90'000u, 1'000'000u}) {
    for (; n < goal; ++n) {
      c.add(n);
      c.add(n);
    }
    EXPECT_NEAR(static_cast<double>(c.estimate()), static_cast<double>(goal),
                0.2 * static_cast<double>(goal))
        << goal;
  }
}

TEST(distinct_counter, a_sum_counts_common_values_once) {
  distinct_counter a, b, all;
  for (uint64_t i = 0; i < 20'000; ++i) {
    (i < 15'000 ? a : b).add(i);
    if (i >= 5'000 && i < 15'000)
      b.add(i);
    all.add(i);
  }
  a.add(b);
  EXPECT_EQ(a.estimate(), all.estimate());
}

}  // namespace
}  // namespace troupe
