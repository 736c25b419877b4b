#include "pipeline/ruletest/test_input.h"

#include <gtest/gtest.h>

namespace troupe::rules {
namespace {

config::rule_test with(std::vector<config::rule_test_series> input) {
  config::rule_test t;
  t.interval_ms = 60'000;
  t.input = std::move(input);
  return t;
}

TEST(test_input, gives_samples_up_to_a_time_once) {
  auto in = test_input::parse(with({{"a", "1 _ 3"}, {"b", "{{count:1 sum:1 buckets:[1]}}x1"}}), 0);
  ASSERT_TRUE(in.ok());
  auto b = in->until(60'000);
  ASSERT_TRUE(b);
  EXPECT_EQ(b->floats.size(), 1u);
  EXPECT_EQ(b->histograms.size(), 2u);
  EXPECT_EQ(in->until(60'000), nullptr);
  b = in->until(1'000'000);
  ASSERT_TRUE(b);
  ASSERT_EQ(b->floats.size(), 1u);
  EXPECT_EQ(b->floats[0].ts, 120'000);
  EXPECT_EQ(b->floats[0].value, 3);
}

TEST(test_input, times_count_from_the_start) {
  auto in = test_input::parse(with({{"a", "1 2"}}), 1'000'000);
  ASSERT_TRUE(in.ok());
  EXPECT_EQ(in->until(999'999), nullptr);
  EXPECT_EQ(in->until(2'000'000)->floats[1].ts, 1'060'000);
}

TEST(test_input, an_empty_line_ends_the_series_as_in_promtool) {
  auto in = test_input::parse(with({{"a", "1\n\n"}, {"b", "nonsense"}}), 0);
  ASSERT_TRUE(in.ok()) << in.error().message();
  EXPECT_EQ(in->until(0)->floats.size(), 1u);
  EXPECT_FALSE(test_input::parse(with({{"b", "nonsense"}}), 0).ok());
}

TEST(test_input, no_series) {
  auto in = test_input::parse(with({}), 0);
  ASSERT_TRUE(in.ok());
  EXPECT_EQ(in->until(0), nullptr);
}

}  // namespace
}  // namespace troupe::rules
