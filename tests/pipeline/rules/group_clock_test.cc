#include "pipeline/rules/group_clock.h"

#include <gtest/gtest.h>

namespace troupe::rules {
namespace {

constexpr int64_t second = 1000;
constexpr int64_t step = 15 * second;
constexpr timestamp_ms start = 1'700'000'010'000;  // on the grid

class group_clock_test : public ::testing::Test {
 protected:
  group_clock_settings settings{
      .interval_ms = step, .live_wait_ms = 10 * second, .catch_up_wait_ms = 300 * second};

  /// Takes every step that is due: seconds after start, `p` of the past lane, `h` of history.
  static std::string run(group_clock& c, timestamp_ms now, timestamp_ms complete) {
    std::string out;
    while (const auto s = c.due(now, complete)) {
      out += (out.empty() ? "" : " ") + std::to_string((s->instant - start) / second) +
             (s->past ? "p" : "") + (s->catch_up ? "h" : "") + (s->forks ? "f" : "");
      c.done(*s);
    }
    return out;
  }
};

TEST_F(group_clock_test, offsets_are_those_of_prometheus) {
  EXPECT_EQ(group_offset("node.yml", "node", 15'000), 13174);
  EXPECT_EQ(group_offset("node.yml", "node", 60'000), 28174);
  EXPECT_EQ(group_offset("/etc/prometheus/rules/a.yml", "g1", 1000), 343);
  EXPECT_EQ(group_offset("", "", 60'000), 49739);
}

TEST_F(group_clock_test, a_new_group_begins_with_the_next_instant) {
  group_clock c(settings, start + 1, {});
  EXPECT_FALSE(c.resume_at());
  EXPECT_EQ(run(c, start + 14 * second, start + 60 * second), "");
  EXPECT_EQ(run(c, start + 15 * second, start + 60 * second), "15");
  EXPECT_EQ(run(c, start + 29 * second, start + 60 * second), "");
  EXPECT_EQ(run(c, start + 30 * second, start + 60 * second), "30");
}

TEST_F(group_clock_test, the_offset_moves_the_grid) {
  settings.offset_ms = 7 * second;
  group_clock c(settings, start, {});
  EXPECT_EQ(run(c, start + 30 * second, start + 60 * second), "7 22");
}

TEST_F(group_clock_test, an_instant_waits_for_its_inputs_but_not_for_ever) {
  group_clock c(settings, start, {});
  EXPECT_EQ(c.wake_at(), start + 25 * second);
  EXPECT_EQ(run(c, start + 16 * second, start + 14 * second), "");
  EXPECT_EQ(run(c, start + 16 * second, start + 15 * second), "15");
  EXPECT_EQ(run(c, start + 39 * second, start), "");
  EXPECT_EQ(run(c, start + 40 * second, start), "30");
}

TEST_F(group_clock_test, the_query_offset_needs_older_inputs_only) {
  settings.query_offset_ms = 5 * second;
  group_clock c(settings, start, {});
  EXPECT_EQ(run(c, start + 15 * second, start + 9 * second), "");
  EXPECT_EQ(run(c, start + 15 * second, start + 10 * second), "15");
}

TEST_F(group_clock_test, a_quick_restart_goes_on_where_it_stood) {
  group_clock c(settings, start + 32 * second, {start, start + step});
  EXPECT_EQ(c.resume_at(), start + step);
  EXPECT_EQ(c.backlog(), 1u);
  EXPECT_EQ(run(c, start + 32 * second, start + 60 * second), "30p") << "not yet history";
}

TEST_F(group_clock_test, missed_instants_come_first_and_are_history) {
  group_clock c(settings, start + 100 * second, {start, start + step});
  EXPECT_EQ(c.resume_at(), start + step);
  EXPECT_EQ(c.last_evaluated(), start + step);
  EXPECT_EQ(c.backlog(), 5u);
  EXPECT_EQ(run(c, start + 100 * second, start + 100 * second), "30ph 45ph 60ph 75p 90p");
  EXPECT_FALSE(c.forked());
  EXPECT_EQ(run(c, start + 105 * second, start + 105 * second), "105");
}

TEST_F(group_clock_test, present_instants_go_ahead_of_a_long_backlog) {
  group_clock c(settings, start + 100 * second, {start});
  // A sender that comes back with old data: nothing is complete yet.
  EXPECT_EQ(run(c, start + 109 * second, start), "");
  EXPECT_EQ(run(c, start + 112 * second, start + 20 * second), "15ph");
  EXPECT_EQ(run(c, start + 115 * second, start + 50 * second), "105f 30ph 45ph");
  EXPECT_TRUE(c.forked());
  EXPECT_EQ(run(c, start + 120 * second, start + 120 * second), "120 60ph 75ph 90ph");
  EXPECT_FALSE(c.forked());
  EXPECT_EQ(c.backlog(), 0u);
}

TEST_F(group_clock_test, missed_instants_do_not_wait_for_ever_either) {
  group_clock c(settings, start + 100 * second, {start});
  EXPECT_EQ(run(c, start + 115 * second, start), "105f");
  EXPECT_EQ(run(c, start + 399 * second, start).find("15ph"), std::string::npos);
  EXPECT_NE(run(c, start + 400 * second, start).find("15ph 30ph"), std::string::npos);
}

TEST_F(group_clock_test, holes_of_a_backlog_that_was_cut_short_are_found_again) {
  group_clock c(settings, start + 100 * second,
                {start + 90 * second, start, start + 15 * second, start + 75 * second});
  EXPECT_EQ(c.resume_at(), start + 15 * second);
  EXPECT_EQ(c.last_evaluated(), start + 90 * second);
  EXPECT_EQ(run(c, start + 105 * second, start + 105 * second), "30ph 45ph 60ph 105");
}

TEST_F(group_clock_test, what_is_beyond_the_reach_is_given_up) {
  settings.reach_ms = 60 * second;
  group_clock c(settings, start + 200 * second, {start, start + 150 * second});
  EXPECT_EQ(c.last_evaluated(), start + 150 * second);
  EXPECT_EQ(run(c, start + 200 * second, start + 200 * second), "165ph 180p 195p");
  group_clock lost(settings, start + 200 * second, {start});
  EXPECT_FALSE(lost.resume_at());
  EXPECT_EQ(run(lost, start + 200 * second, start + 200 * second), "");
}

TEST_F(group_clock_test, a_group_that_falls_behind_goes_on_with_the_present) {
  group_clock c(settings, start, {});
  // Nobody asked for 100 s.
  auto s = c.due(start + 111 * second, start + 111 * second);
  ASSERT_TRUE(s);
  EXPECT_TRUE(s->past);
  EXPECT_EQ(s->instant, start + 15 * second);
  EXPECT_EQ(c.next_live(), start + 105 * second);
  EXPECT_EQ(c.backlog(), 6u);
  c.done(*s);
  // The backlog takes too long.
  s = c.due(start + 120 * second, start + 120 * second);
  ASSERT_TRUE(s);
  EXPECT_TRUE(s->past);
  s = c.due(start + 121 * second, start + 121 * second);
  ASSERT_TRUE(s);
  EXPECT_TRUE(s->forks);
  EXPECT_EQ(s->instant, start + 105 * second);
}

TEST_F(group_clock_test, a_very_long_pause_keeps_the_backlog_bounded) {
  settings.reach_ms = 3600 * second;
  group_clock c(settings, start, {});
  const timestamp_ms later = start + 30LL * 24 * 3600 * second;
  EXPECT_TRUE(c.due(later, later));
  EXPECT_LE(c.backlog(), 241u);
  EXPECT_GT(c.given_up(), 170'000u);
}

}  // namespace
}  // namespace troupe::rules
