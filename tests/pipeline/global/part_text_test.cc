#include "pipeline/global/part_text.h"

#include "query/parser/parser.h"

#include <gtest/gtest.h>

namespace troupe::global {
namespace {

std::string text(std::string_view part, const std::string& region = "eu") {
  const auto parsed = query::parse(part);
  EXPECT_TRUE(parsed.ok()) << part;
  const auto out = text_for(**parsed, region);
  if (!out)
    return "none";
  EXPECT_TRUE(query::parse(*out).ok()) << *out;
  return *out;
}

TEST(part_text, selectors_ask_for_the_regions_own_series) {
  EXPECT_EQ(text("sum by (job) (rate(x[5m]))"), R"(sum by (job) (rate(x{region=~"|eu"}[5m])))");
  EXPECT_EQ(text("count(x{region=\"eu\"})"), R"(count(x{region=~"|eu"}))");
  EXPECT_EQ(text("count(x{region=\"us\"})"), "none");
}

TEST(part_text, series_get_the_regions_name_where_it_can_be_seen) {
  EXPECT_EQ(text("sum by (region) (x)"),
            R"(sum by (region) (label_replace(x{region=~"|eu"}, "region", "eu", "region", "")))");
  EXPECT_EQ(text("rate(x[5m])"),
            R"(label_replace(rate(x{region=~"|eu"}[5m]), "region", "eu", "region", ""))");
  EXPECT_EQ(
      text("sum without (job) (max_over_time(rate(x[5m])[1h:1m]))"),
      R"(sum without (job) (max_over_time(label_replace(rate(x{region=~"|eu"}[5m]), "region", )"
      R"("eu", "region", "")[1h:1m])))");
  EXPECT_EQ(text("max(timestamp(x)) + 1"),
            R"(max(label_replace(timestamp(x{region=~"|eu"}), "region", "eu", "region", "")) + 1)");
  EXPECT_EQ(text("topk by (job) (2, x)"),
            R"(topk by (job) (2, label_replace(x{region=~"|eu"}, "region", "eu", "region", "")))");
}

TEST(part_text, two_selectors_meet_with_their_labels) {
  EXPECT_EQ(text("sum by (job) (x / y{region=~\"eu|us\"})"),
            R"(sum by (job) (label_replace(x{region=~"|eu"}, "region", "eu", "region", "") / )"
            R"(label_replace(y{region=~"|eu"}, "region", "eu", "region", "")))");
  EXPECT_EQ(text("sum by (job) (x or y{region=\"us\"})"),
            R"(sum by (job) (label_replace(x{region=~"|eu"}, "region", "eu", "region", "") or )"
            R"(label_replace({region!="",region=""}, "region", "eu", "region", "")))");
}

}  // namespace
}  // namespace troupe::global
