#include "storage/model/matcher.h"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(matcher, matches_as_prometheus) {
  struct row {
    match_op op;
    const char *value, *text;
    bool want;
  };
  const row rows[] = {
      {match_op::equal, "a", "a", true},        {match_op::equal, "", "", true},
      {match_op::equal, "a", "b", false},       {match_op::not_equal, "a", "", true},
      {match_op::not_equal, "a", "a", false},   {match_op::regex, "a.*", "ab", true},
      {match_op::regex, "a", "ab", false},      {match_op::regex, ".*", "", true},
      {match_op::not_regex, "a|b", "b", false}, {match_op::not_regex, "a|b", "c", true}};
  for (const auto& r : rows)
    EXPECT_EQ(matcher::make(r.op, "n", r.value)->matches(std::string_view(r.text)), r.want)
        << r.value << " " << r.text;
}

TEST(matcher, absent_label_is_the_empty_value) {
  const auto series = labels::from({{"a", "1"}});
  EXPECT_TRUE(matcher::equal("b", "").matches(series));
  const matchers ms{matcher::equal("a", "1"), *matcher::make(match_op::regex, "b", "x?")};
  EXPECT_TRUE(matches_all(ms, series));
  EXPECT_TRUE(ms[1].matches_empty());
  EXPECT_FALSE(matches_all(ms, labels::from({{"a", "1"}, {"b", "y"}})));
}

TEST(matcher, prints_and_reports) {
  EXPECT_EQ(matcher::make(match_op::not_regex, "a", "x\"|y")->to_string(), R"(a!~"x\"|y")");
  EXPECT_EQ(matcher::equal("a.b", "c").to_string(), R"("a.b"="c")");
  EXPECT_EQ(matcher::make(match_op::regex, "a", "y|x")->literals(),
            (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(matcher::equal("a", "b").literals().empty());
  EXPECT_EQ(matcher::make(match_op::regex, "a", "(").code(), errc::invalid_argument);
}

}  // namespace
}  // namespace troupe
