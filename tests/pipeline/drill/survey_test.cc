// Whether a system is fit for a drill, and what it would pause.
#include "pipeline/drill/survey.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::drill {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

class Survey : public testing::Test {
 protected:
  Survey() {
    for (const char* name : {"east", "west", "south"}) {
      auto& n = nodes.emplace_back();
      n.url = std::string("http://") + name;
      n.flags = {{"web.enable-admin-api", "true"}, {"web.enable-remote-write-receiver", "true"}};
    }
    for (size_t i : {0, 1}) {
      const std::string own = i == 0 ? "east" : "west", other = i == 0 ? "west" : "east";
      nodes[i].stages = {{"publish", "out", "troupe." + own, ""},
                         {"consume", other, "troupe." + other, ""}};
      nodes[i].topics = {{"publish", "out", true, "", 0}, {"consume", other, true, "", 0}};
    }
    nodes[2].stages = {{"federate", "e", "http://east/", ""}, {"federate", "w", "http://west", ""}};
    nodes[2].watermarks = {{"federation", "e", 3.0}, {"federation", "w", 3.0}};
  }

  std::vector<stage_cut> cuts() {
    const auto plan = plan_drill(options, nodes);
    EXPECT_TRUE(plan.ok()) << plan.error().to_string();
    return plan.ok() ? plan->cuts : std::vector<stage_cut>();
  }
  std::string why_not() {
    const auto plan = plan_drill(options, nodes);
    EXPECT_FALSE(plan.ok());
    return plan.ok() ? "" : std::string(plan.error().message());
  }

  drill_options options;
  std::vector<node_facts> nodes;
};

TEST_F(Survey, OfARegionWhatBringsItsTopicsAndItsOwn) {
  EXPECT_THAT(cuts(), ElementsAre(stage_cut{1, "consume", "east"}, stage_cut{2, "federate", "e"}));
  EXPECT_THAT(plan_drill(options, nodes)->is_cut, ElementsAre(true, true));
}

TEST_F(Survey, ANameOfTheRegionDecides) {
  options.region = "w";
  nodes.erase(nodes.begin() + 1);
  EXPECT_THAT(cuts(), ElementsAre(stage_cut{1, "federate", "w"}));
  options.region = "north";
  EXPECT_THAT(why_not(), HasSubstr("no block \"north\""));
}

TEST_F(Survey, OfBrokersAllThatWritesAndReadsTopics) {
  options.kind = drill_kind::brokers;
  EXPECT_THAT(cuts(), UnorderedElementsAre(
                          stage_cut{0, "publish", "out"}, stage_cut{0, "consume", "west"},
                          stage_cut{1, "publish", "out"}, stage_cut{1, "consume", "east"}));
  EXPECT_THAT(plan_drill(options, nodes)->is_cut, ElementsAre(true, false));
}

TEST_F(Survey, WithoutALinkThereIsNothingToCut) {
  nodes[2].stages.erase(nodes[2].stages.begin());
  EXPECT_THAT(why_not(), HasSubstr("http://south: no block"));
  options.kind = drill_kind::brokers;
  EXPECT_EQ(cuts().size(), 4u);
  nodes[1].stages[1].other_end = "other";
  EXPECT_THAT(why_not(), HasSubstr("no other node takes over its topics"));
  nodes[0].stages.clear();
  EXPECT_THAT(why_not(), HasSubstr("it writes into no topic"));
}

TEST_F(Survey, FlagsAreNeeded) {
  nodes[2].flags.erase("web.enable-remote-write-receiver");
  EXPECT_EQ(cuts().size(), 2u) << "only at the source";
  nodes[2].flags["web.enable-admin-api"] = "false";
  EXPECT_THAT(why_not(), HasSubstr("http://south: the admin API is off"));
  nodes[2].flags["web.enable-admin-api"] = "true";
  nodes[0].flags.erase("web.enable-remote-write-receiver");
  EXPECT_THAT(why_not(), HasSubstr("http://east: remote write is off"));
}

TEST_F(Survey, APauseThatIsInForceIsSomebodyElses) {
  nodes[2].stages[1].paused_until = "2026-01-01T00:00:00Z";
  EXPECT_THAT(why_not(), HasSubstr("federate w is paused until 2026-01-01T00:00:00Z"));
}

TEST_F(Survey, ClocksAreWithinASecond) {
  nodes[1].clock_off_ms = -1'000;
  EXPECT_EQ(cuts().size(), 2u);
  nodes[1].clock_off_ms = -1'001;
  EXPECT_THAT(why_not(), HasSubstr("its clock is 1001 ms behind"));
  nodes[1].clock_accuracy_ms = 10;
  EXPECT_EQ(cuts().size(), 2u) << "as far as one can tell";
  nodes[1].clock_off_ms = 1'011;
  EXPECT_THAT(why_not(), HasSubstr("its clock is 1011 ms ahead of"));
}

TEST_F(Survey, LinksAreUpAndNotBehind) {
  nodes[1].topics[1].up = false;
  nodes[1].topics[1].last_error = "no broker";
  EXPECT_THAT(why_not(), HasSubstr("consume east has no connection: no broker"));
  nodes[1].topics[1].up = true;
  nodes[1].topics[1].lag_seconds = 31;
  EXPECT_THAT(why_not(), HasSubstr("consume east is 31 s behind"));
  nodes[1].topics.pop_back();
  EXPECT_THAT(why_not(), HasSubstr("consume east has not begun"));
}

TEST_F(Survey, TheSourceMustBeWritingToo) {
  nodes[0].topics[0].up = false;
  EXPECT_THAT(why_not(), HasSubstr("http://east: publish out has no connection"));
  nodes.erase(nodes.begin() + 1);
  EXPECT_EQ(cuts().size(), 1u) << "nobody takes over by Kafka";
}

TEST_F(Survey, DirectLinksAreUpAndNotBehind) {
  nodes[2].watermarks[0].lag_seconds = 31;
  EXPECT_THAT(why_not(), HasSubstr("federate e is 31 s behind"));
  nodes[2].watermarks[0].lag_seconds.reset();
  EXPECT_THAT(why_not(), HasSubstr("federate e: nothing has come yet"));
  nodes[2].watermarks.clear();
  EXPECT_THAT(why_not(), HasSubstr("federate e has not begun"));
}

}  // namespace
}  // namespace troupe::drill
