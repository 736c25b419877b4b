#include "pipeline/stages/stage_switches.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::stages {
namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr timestamp_ms wall_ms = 1'700'000'000'000;

class StageSwitches : public testing::Test {
 protected:
  void pause(const std::string& name, int64_t seconds, std::string reason = {}) {
    all.pause(stage::consume, name, seconds * 1000, std::move(reason), wall_ms, now_ns);
  }
  bool is_paused(const std::string& name) { return all.is_paused(stage::consume, name, now_ns); }

  registry metrics;
  stage_switches all{metrics};
  int64_t now_ns = 5 * second_ns;
};

TEST_F(StageSwitches, APauseEndsByItself) {
  EXPECT_FALSE(is_paused("east"));
  pause("east", 60, "drill");
  now_ns += 60 * second_ns - 1;
  EXPECT_TRUE(is_paused("east"));
  const auto told = all.list(now_ns);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].name, "east");
  EXPECT_EQ(told[0].until, wall_ms + 60'000);
  EXPECT_EQ(told[0].reason, "drill");
  ++now_ns;
  EXPECT_FALSE(is_paused("east"));
  EXPECT_TRUE(all.list(now_ns).empty());
}

TEST_F(StageSwitches, IsOfOneStageAndName) {
  pause("east", 60);
  EXPECT_TRUE(is_paused("east"));
  EXPECT_FALSE(is_paused("west"));
  EXPECT_FALSE(all.is_paused(stage::publish, "east", now_ns));
  EXPECT_FALSE(all.is_paused(stage::federate, "east", now_ns));
  EXPECT_TRUE(all.find(stage::consume, "east", now_ns));
  EXPECT_FALSE(all.find(stage::publish, "east", now_ns));
}

TEST_F(StageSwitches, ResumeEndsIt) {
  pause("east", 60);
  EXPECT_FALSE(all.resume(stage::publish, "east", now_ns));
  EXPECT_TRUE(all.resume(stage::consume, "east", now_ns));
  EXPECT_FALSE(is_paused("east"));
  EXPECT_FALSE(all.resume(stage::consume, "east", now_ns)) << "once";
}

TEST_F(StageSwitches, OneThatIsOverCannotBeResumed) {
  pause("east", 1);
  now_ns += second_ns;
  EXPECT_FALSE(all.resume(stage::consume, "east", now_ns));
}

TEST_F(StageSwitches, AnotherPauseTakesItsPlace) {
  pause("east", 60, "a");
  now_ns += second_ns;
  pause("east", 2, "b");
  EXPECT_EQ(all.list(now_ns).size(), 1u);
  EXPECT_EQ(all.list(now_ns)[0].reason, "b");
  now_ns += 2 * second_ns;
  EXPECT_FALSE(is_paused("east"));
}

TEST_F(StageSwitches, TheMetricIsThereFromTheFirstStepOn) {
  is_paused("east");
  const std::string series = R"(troupe_stage_paused{name="east",stage="consume"} )";
  EXPECT_THAT(metrics.render(), testing::HasSubstr(series + "0"));
  pause("east", 1);
  EXPECT_THAT(metrics.render(), testing::HasSubstr(series + "1"));
  now_ns += second_ns;
  is_paused("east");
  EXPECT_THAT(metrics.render(), testing::HasSubstr(series + "0"));
}

TEST_F(StageSwitches, NamesOfStages) {
  for (const stage s : {stage::publish, stage::consume, stage::federate})
    EXPECT_EQ(parse_stage(to_text(s)), s);
  EXPECT_FALSE(parse_stage("scrape"));
  EXPECT_FALSE(parse_stage(""));
}

}  // namespace
}  // namespace troupe::stages
