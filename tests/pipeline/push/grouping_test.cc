#include "pipeline/push/grouping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::push {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::string refusal(std::string_view path) {
  const auto got = parse_grouping(path);
  return got.ok() ? "" : got.error().to_string();
}

TEST(grouping, labels_of_the_path_by_name) {
  EXPECT_THAT(*parse_grouping("job/backup"), ElementsAre(Pair("job", "backup")));
  EXPECT_THAT(*parse_grouping("job/backup/instance/db1/a/"),
              ElementsAre(Pair("a", ""), Pair("instance", "db1"), Pair("job", "backup")));
}

TEST(grouping, base64_in_both_alphabets_of_padding) {
  // The examples of the Pushgateway's README.
  EXPECT_THAT(*parse_grouping("job/directory_cleaner/path@base64/L3Zhci90bXA"),
              ElementsAre(Pair("job", "directory_cleaner"), Pair("path", "/var/tmp")));
  EXPECT_THAT(*parse_grouping("job/titan/name@base64/zqDPgc6_zrzOt864zrXPjc-C"),
              ElementsAre(Pair("job", "titan"), Pair("name", "Προμηθεύς")));
  EXPECT_THAT(*parse_grouping("job@base64/YQ==/first_label@base64/="),
              ElementsAre(Pair("first_label", ""), Pair("job", "a")));
}

TEST(grouping, what_is_none_says_why) {
  EXPECT_THAT(refusal("job"), HasSubstr("odd number of components"));
  EXPECT_THAT(refusal("job/"), HasSubstr("job name is required"));
  EXPECT_THAT(refusal("instance/a/job/b"), HasSubstr("job name is required"));
  EXPECT_THAT(refusal("job/a/x/1/x/2"), HasSubstr("given twice"));
  EXPECT_THAT(refusal("job/a/__name__/b"), HasSubstr("improper label name"));
  EXPECT_THAT(refusal("job@base64/%%%"), HasSubstr("base64"));
  EXPECT_THAT(refusal("job/\xff"), HasSubstr("UTF-8"));
}

}  // namespace
}  // namespace troupe::push
