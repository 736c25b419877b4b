#include "pipeline/client/node_answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::client {
namespace {

std::string success(const std::string& data) {
  return R"({"status":"success","data":)" + data + "}";
}

TEST(NodeAnswers, Stages) {
  const auto got = parse_stages(success(
      R"([{"stage":"publish","name":"out","topic":"t","pausedUntil":null},)"
      R"({"stage":"federate","name":"east","url":"http://e","pausedUntil":"2026","reason":"d"}])"));
  ASSERT_TRUE(got.ok()) << got.error().to_string();
  ASSERT_EQ(got->size(), 2u);
  EXPECT_EQ(got->at(0).other_end, "t");
  EXPECT_EQ(got->at(0).paused_until, "");
  EXPECT_EQ(got->at(1).stage, "federate");
  EXPECT_EQ(got->at(1).other_end, "http://e");
  EXPECT_EQ(got->at(1).paused_until, "2026");
}

TEST(NodeAnswers, TopicLinks) {
  const auto got = parse_topic_links(
      success(R"({"publish":[{"name":"out","up":true,"lastError":"","lagSeconds":1.5}],)"
              R"("consume":[{"name":"in","up":false,"lastError":"no broker","lagSeconds":0}]})"));
  ASSERT_TRUE(got.ok()) << got.error().to_string();
  ASSERT_EQ(got->size(), 2u);
  EXPECT_EQ(got->at(0).stage, "publish");
  EXPECT_EQ(got->at(0).lag_seconds, 1.5);
  EXPECT_EQ(got->at(1).stage, "consume");
  EXPECT_EQ(got->at(1).last_error, "no broker");
  EXPECT_FALSE(got->at(1).up);
}

TEST(NodeAnswers, WatermarksAndFlags) {
  const auto marks = parse_watermarks(success(
      R"([{"stage":"consume","name":"a","lagSeconds":2},{"stage":"x","name":"b","lagSeconds":null}])"));
  ASSERT_TRUE(marks.ok());
  EXPECT_EQ(marks->at(0).lag_seconds, 2.0);
  EXPECT_FALSE(marks->at(1).lag_seconds);
  const auto flags = parse_flags(success(R"({"a":"true","b":"x"})"));
  ASSERT_TRUE(flags.ok());
  EXPECT_EQ(flags->at("b"), "x");
}

TEST(NodeAnswers, SingleValues) {
  const auto scalar = parse_scalar(success(R"({"resultType":"scalar","result":[1,"2.5"]})"));
  ASSERT_TRUE(scalar.ok());
  EXPECT_EQ(*scalar, 2.5);
  const auto vector = parse_vector(
      success(R"({"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"3"]}]})"));
  ASSERT_TRUE(vector.ok());
  ASSERT_EQ(vector->size(), 1u);
  EXPECT_EQ(vector->at(0).series.get("a"), "b");
  EXPECT_EQ(vector->at(0).value, 3);
  EXPECT_FALSE(parse_vector(success(R"({"resultType":"scalar","result":[1,"2"]})")).ok());
}

TEST(NodeAnswers, WhatIsNoneIsAnErrorAndNoCrash) {
  const std::string refused =
      R"({"status":"error","errorType":"bad_data","error":"no such thing"})";
  EXPECT_EQ(parse_stages(refused).error().message(), "no such thing");
  for (const std::string& body :
       {std::string(), std::string("404 page not found\n"), std::string("{}"), std::string("[]"),
        success("null"), success("{}"), success("[1]"), success(R"([{"stage":1}])"),
        success(R"({"publish":{}})"), success(R"({"a":1})"),
        success(R"({"resultType":"vector","result":[{"metric":{},"value":[1]}]})"),
        success(R"({"resultType":"vector","result":[{"metric":{},"value":[1,"x"]}]})")}) {
    EXPECT_FALSE(parse_stages(body).ok()) << body;
    EXPECT_FALSE(parse_topic_links(body).ok()) << body;
    EXPECT_FALSE(parse_watermarks(body).ok()) << body;
    EXPECT_FALSE(parse_scalar(body).ok()) << body;
    EXPECT_FALSE(parse_vector(body).ok()) << body;
  }
  EXPECT_FALSE(parse_flags(success("[1]")).ok());
  EXPECT_FALSE(parse_flags(success(R"({"a":1})")).ok());
}

}  // namespace
}  // namespace troupe::client
