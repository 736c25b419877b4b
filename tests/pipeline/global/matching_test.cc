#include "pipeline/global/matching.h"

#include <gtest/gtest.h>

namespace troupe::global {
namespace {

matcher make(match_op op, std::string name, std::string value) {
  return *matcher::make(op, std::move(name), std::move(value));
}

std::string own(const matchers& ms, const std::string& region) {
  const auto out = own_matchers(ms, region);
  return out ? selector_text(*out) : "none";
}

TEST(matching, a_regions_own_series_have_its_name_or_none) {
  const auto up = matcher::equal("__name__", "up");
  EXPECT_EQ(own({up}, "eu"), R"({__name__="up",region=~"|eu"})");
  EXPECT_EQ(own({up}, "eu-1.a_b"), R"({__name__="up",region=~"|eu-1\\.a_b"})");
  EXPECT_EQ(own({up, matcher::equal("region", "eu")}, "eu"), R"({__name__="up",region=~"|eu"})");
  EXPECT_EQ(own({up, matcher::equal("region", "us")}, "eu"), "none");
  EXPECT_EQ(own({up, matcher::equal("region", "")}, "eu"), "none") << "in the view it has a name";
  EXPECT_EQ(own({make(match_op::regex, "region", "e.|us"), up}, "eu"),
            R"({__name__="up",region=~"|eu"})");
  EXPECT_EQ(own({up, make(match_op::not_equal, "region", "eu")}, "eu"), "none");
}

TEST(matching, one_matcher_refuses_the_empty_text) {
  EXPECT_EQ(own({matcher::equal("region", "eu")}, "eu"), R"({__name__=~".+",region=~"|eu"})");
  EXPECT_EQ(own({}, "eu"), R"({__name__=~".+",region=~"|eu"})");
  EXPECT_EQ(own({make(match_op::regex, "a", ".*")}, "eu"),
            R"({a=~".*",__name__=~".+",region=~"|eu"})");
}

TEST(matching, others_and_replicas) {
  const matchers up{matcher::equal("__name__", "up")};
  const std::vector<std::string> two{"eu", "u.s"};
  EXPECT_EQ(selector_text(without_regions(up, two)), R"({__name__="up",region!~"eu|u\\.s"})");
  EXPECT_EQ(selector_text(without_regions(up, {})), R"({__name__="up"})");
  EXPECT_EQ(selector_text(*only_region(up, "eu")), R"({__name__="up",region="eu"})");
  EXPECT_FALSE(only_region(matchers{matcher::equal("region", "us")}, "eu").has_value());
}

TEST(matching, times_in_seconds) {
  EXPECT_EQ(seconds_text(1'700'000'000'120), "1700000000.120");
  EXPECT_EQ(seconds_text(-1'500), "-1.500");
}

}  // namespace
}  // namespace troupe::global
