#include "storage/base/allocator.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

constexpr uint64_t mib = 1 << 20;
constexpr int64_t second = 1'000'000'000;

TEST(trim_rule_test, once_a_minute_when_nothing_grows) {
  trim_rule rule;
  rule.done(100 * second, 10 * mib);
  EXPECT_FALSE(rule.due(159 * second, 10 * mib, false));
  EXPECT_TRUE(rule.due(160 * second, 10 * mib, false));
}

TEST(trim_rule_test, every_two_seconds_while_memory_grows) {
  trim_rule rule;
  rule.done(100 * second, 10 * mib);
  EXPECT_FALSE(rule.due(101 * second, 20 * mib, false));
  EXPECT_FALSE(rule.due(102 * second, 11 * mib - 1, false));
  EXPECT_TRUE(rule.due(102 * second, 11 * mib, false));
  rule.done(102 * second, 11 * mib);
  EXPECT_FALSE(rule.due(104 * second, 11 * mib, false));
}

TEST(trim_rule_test, growth_counts_by_what_there_is) {
  trim_rule rule;
  rule.done(100 * second, 3200 * mib);
  EXPECT_FALSE(rule.due(110 * second, 3299 * mib, false));
  EXPECT_TRUE(rule.due(110 * second, 3300 * mib, false));
}

TEST(trim_rule_test, sooner_while_memory_is_short) {
  trim_rule rule;
  rule.done(100 * second, 10 * mib);
  EXPECT_FALSE(rule.due(104 * second, 10 * mib, true));
  EXPECT_TRUE(rule.due(105 * second, 10 * mib, true));
}

}  // namespace
}  // namespace troupe
