#include "storage/model/sample.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace troupe {
namespace {

TEST(sample, conflict_order_is_total) {
  const double inf = std::numeric_limits<double>::infinity();
  const double ordered[] = {
      stale_nan(),
      std::bit_cast<double>(0xfff8000000000000ULL + 1),  // larger magnitude of negative NaN first
      std::bit_cast<double>(0xfff8000000000000ULL),
      std::bit_cast<double>(0x7ff8000000000000ULL),
      normal_nan(),
      -inf,
      -1.5,
      -std::numeric_limits<double>::denorm_min(),
      -0.0,
      0.0,
      std::numeric_limits<double>::denorm_min(),
      1.0,
      inf};
  const size_t n = std::size(ordered);
  for (size_t i = 0; i < n; ++i)
    for (size_t j = 0; j < n; ++j)
      EXPECT_EQ(loses_against(ordered[i], ordered[j]), i < j) << i << " " << j;
}

TEST(sample, stale_marker_is_a_bit_pattern) {
  EXPECT_TRUE(is_stale(stale_nan()));
  EXPECT_FALSE(is_stale(normal_nan()));
  EXPECT_FALSE(is_stale(std::nan("")));
}

TEST(sample, metric_types_round_trip) {
  for (uint8_t t = 0; t <= static_cast<uint8_t>(metric_type::stateset); ++t)
    EXPECT_EQ(metric_type_from(to_string(static_cast<metric_type>(t))),
              static_cast<metric_type>(t));
  EXPECT_EQ(metric_type_from("nonsense"), metric_type::unknown);
}

}  // namespace
}  // namespace troupe
