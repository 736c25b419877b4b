// Whole drills over virtual time: what is measured, what is found, and that nothing stays paused,
// whatever dies in between.
#include "tests/pipeline/drill/drill_kit.h"

namespace troupe::drill {
namespace {

using Drill = DrillTest;

constexpr int64_t poll_ms = 150;  ///< a query every 100 ms, seen at the tick after

TEST_F(Drill, OfARegionMeasuresAndTidiesUp) {
  const auto got = run();
  EXPECT_TRUE(got.faults(options).empty()) << got.faults(options).front();
  ASSERT_EQ(got.destinations.size(), 2u);
  for (const auto& d : got.destinations) {
    EXPECT_TRUE(d.is_cut);
    EXPECT_FALSE(d.came_past);
    EXPECT_NEAR(static_cast<double>(*d.usual_ms), static_cast<double>(delay_ms), poll_ms);
    // A sample of each series every 200 ms, and 300 ms are on their way.
    EXPECT_GE(d.at_cut->samples, 10u);
    EXPECT_LE(d.at_cut->samples, 30u);
    EXPECT_GE(d.at_cut->ms, 100);
    EXPECT_LE(d.at_cut->ms, 700);
    EXPECT_NEAR(static_cast<double>(d.backlog->samples), 20 * 50, 40);
    EXPECT_NEAR(static_cast<double>(d.backlog->ms), 20'300, 700);
    EXPECT_LE(*d.rto_newest_ms, delay_ms + 200 + poll_ms + 100);
    EXPECT_LE(*d.rto_all_ms, *d.rto_newest_ms);
    EXPECT_EQ(d.audit->expected, got.written);
  }
  EXPECT_TRUE(got.source->is_clean());
  EXPECT_GT(got.written, 1'000u);
  expect_tidy();
  EXPECT_TRUE(east.asked.size() == 1) << "only the series was removed there";
  EXPECT_TRUE(said("cut for 20s"));
}

TEST_F(Drill, OfBrokersLeavesDirectLinksAlone) {
  options.kind = drill_kind::brokers;
  const auto got = run();
  EXPECT_TRUE(got.faults(options).empty()) << got.faults(options).front();
  EXPECT_TRUE(got.destinations[0].is_cut);
  EXPECT_GT(got.destinations[0].backlog->samples, 900u);
  EXPECT_FALSE(got.destinations[1].is_cut);
  EXPECT_LE(got.destinations[1].backlog->samples, 30u);
  expect_tidy();
  EXPECT_EQ(east.asked.size(), 5u) << "both of its stages, there and back, and the removal";
}

TEST_F(Drill, APauseOutlastsTheCutALittleByItself) {
  run();
  const auto& [path, form] = west.asked.front();
  EXPECT_EQ(path, "/api/v1/admin/stages/pause");
  EXPECT_EQ(form,
            (http::params{
                {"stage", "consume"}, {"name", "east"}, {"for", "30s"}, {"reason", "drill d"}}));
}

TEST_F(Drill, ADryRunChangesNothing) {
  options.dry_run = true;
  const auto got = run();
  EXPECT_TRUE(got.faults(options).empty());
  EXPECT_TRUE(said("would pause consume east at http://west:9090"));
  for (auto* n : {&east, &west, &south})
    EXPECT_TRUE(n->asked.empty() && n->log.empty());
}

TEST_F(Drill, WhatIsNotFitIsRefusedBeforeAnythingIsChanged) {
  west.clock_off_ms = 5'000;
  EXPECT_TRUE(has(run().faults(options), "http://west:9090: its clock is"));
  west.clock_off_ms = 0;
  south.dead = true;
  EXPECT_TRUE(has(run().faults(options), "connection refused"));
  south.dead = false;
  east.failing = {"/-/ready"};
  EXPECT_TRUE(has(run().faults(options), "/-/ready: HTTP status 500"));
  for (auto* n : {&east, &west, &south})
    EXPECT_TRUE(n->asked.empty() && n->log.empty());
}

TEST_F(Drill, MayKeepItsSeries) {
  options.keep = true;
  EXPECT_TRUE(run().faults(options).empty());
  expect_tidy(false);
}

TEST_F(Drill, WhatIsMissingDifferentOrDoubledIsFound) {
  options.timeout_ms = 5'000;
  loses = [this](const sim_node& at, size_t n) { return &at == &west && n % 400 == 399; };
  doubles = [this](const sim_node& at, size_t n) { return &at == &south && n == 500; };
  const auto got = run();
  EXPECT_GE(got.destinations[0].audit->missing, 3u);
  EXPECT_FALSE(got.destinations[0].rto_all_ms);
  EXPECT_TRUE(got.destinations[0].rto_newest_ms);
  EXPECT_EQ(got.destinations[1].audit->doubled, 1u);
  EXPECT_EQ(got.destinations[1].audit->missing, 0u);
  const auto faults = got.faults(options);
  EXPECT_TRUE(has(faults, "http://west:9090: not all was back in time"));
  EXPECT_TRUE(has(faults, "http://south:9090: of "));
  expect_tidy();
}

TEST_F(Drill, AWrongValueIsFound) {
  changes = [this](const sim_node& at, size_t n) { return &at == &west && n == 700; };
  const auto got = run();
  EXPECT_EQ(got.destinations[0].audit->different, 1u);
  EXPECT_FALSE(got.faults(options).empty());
}

TEST_F(Drill, ACutThatCutsNothingIsAFault) {
  passes_pauses = [this](const sim_node& at, size_t) { return &at == &south; };
  const auto got = run();
  EXPECT_TRUE(got.destinations[1].came_past);
  EXPECT_TRUE(has(got.faults(options), "http://south:9090: was not cut off"));
  EXPECT_FALSE(got.destinations[0].came_past);
}

TEST_F(Drill, LimitsAreFaultsToo) {
  options.max_rpo_ms = 60'000;
  options.max_rto_ms = 60'000;
  EXPECT_TRUE(run().faults(options).empty());
  options.max_rpo_ms = 100;
  EXPECT_TRUE(has(run().faults(options), "an RPO of"));
  options.max_rpo_ms.reset();
  options.max_rto_ms = 50;
  EXPECT_TRUE(has(run().faults(options), "an RTO of"));
}

TEST_F(Drill, ASeriesThatDoesNotComeIsToldAndNothingIsCut) {
  options.timeout_ms = 5'000;
  loses = [this](const sim_node& at, size_t) { return &at == &south; };
  const auto got = run();
  EXPECT_TRUE(has(got.faults(options), "http://south:9090 (do the selectors take it?)"));
  EXPECT_EQ(west.asked.size(), 1u) << "only the removal";
  expect_tidy();
}

TEST_F(Drill, ADestinationThatDiesInTheCutLeavesTheOthersResumed) {
  at(15'000, [this] { south.dead = true; });
  const auto got = run();
  EXPECT_EQ(got.failed.code(), errc::io_error);
  EXPECT_TRUE(has(got.faults(options), "http://south:9090: connection refused"));
  EXPECT_TRUE(has(got.notes,
                  "federate east at http://south:9090 could not be resumed: it ends by "
                  "itself within 30s"));
  EXPECT_TRUE(has(got.notes, "the audit series stays: http://south:9090"));
  expect_tidy();
}

TEST_F(Drill, ASourceThatDiesInTheCutLeavesTheOthersResumed) {
  at(15'000, [this] { east.dead = true; });
  const auto got = run();
  EXPECT_FALSE(got.failed.ok());
  EXPECT_TRUE(has(got.faults(options), "http://east:9090"));
  expect_tidy();
}

TEST_F(Drill, AShortDeathIsNoFault) {
  at(12'000, [this] { east.dead = south.dead = true; });
  at(15'000, [this] { east.dead = south.dead = false; });
  const auto got = run();
  EXPECT_TRUE(got.faults(options).empty()) << got.faults(options).front();
  expect_tidy();
}

TEST_F(Drill, ASourceThatRefusesTheSeriesIsToldAtOnce) {
  east.write_code = 400;
  const auto got = run();
  EXPECT_TRUE(has(got.faults(options), "http://east:9090: HTTP status 400"));
  EXPECT_EQ(west.asked.size(), 1u);
}

TEST_F(Drill, APauseThatIsRefusedEndsTheOthers) {
  south.failing = {"/api/v1/admin/stages/pause"};
  const auto got = run();
  EXPECT_TRUE(has(got.faults(options), "/api/v1/admin/stages/pause: HTTP status 500"));
  expect_tidy();
}

TEST_F(Drill, AResumeThatFailsOnceIsTriedAgain) {
  int asked = 0;
  west.on_request = [&](std::string_view path) {
    if (path == "/api/v1/admin/stages/resume")
      west.failing =
          ++asked == 1 ? std::set<std::string>{std::string(path)} : std::set<std::string>{};
  };
  const auto got = run();
  EXPECT_TRUE(has(got.faults(options), "/api/v1/admin/stages/resume: HTTP status 500"));
  EXPECT_EQ(asked, 2);
  expect_tidy();
}

class Interrupted : public DrillTest, public testing::WithParamInterface<int64_t> {};

TEST_P(Interrupted, ResumesAndRemoves) {
  at(GetParam(), [this] { stopped = true; });
  const auto got = run();
  EXPECT_EQ(got.failed.code(), errc::canceled);
  EXPECT_EQ(got.faults(options), std::vector<std::string>{"interrupted"});
  expect_tidy();
}

// In the checks, before the cut, in it, and soon after it.
INSTANTIATE_TEST_SUITE_P(Times, Interrupted,
                         testing::Values(0, 1'000, 4'000, 6'000, 15'000, 25'700));

}  // namespace
}  // namespace troupe::drill
