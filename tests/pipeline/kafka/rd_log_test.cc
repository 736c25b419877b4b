#include "pipeline/kafka/rd_log.h"

#include <gtest/gtest.h>

namespace troupe::kafka {
namespace {

TEST(LineLimit, LetsAFewThroughAndCountsTheRest) {
  manual_clock time;
  line_limit limit(time);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(limit.take(), round == 0 ? 0U : 7U);
    for (unsigned i = 1; i < line_limit::lines; ++i)
      EXPECT_EQ(limit.take(), 0U);
    for (int i = 0; i < 7; ++i)
      EXPECT_FALSE(limit.take());
    time.advance_ms(line_limit::stretch_ns / 1'000'000);
  }
}

}  // namespace
}  // namespace troupe::kafka
