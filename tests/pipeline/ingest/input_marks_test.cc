#include "pipeline/ingest/input_marks.h"

#include <gtest/gtest.h>

namespace troupe::ingest {
namespace {

constexpr int64_t now = 1'700'000'000'000;
constexpr int64_t second = 1000;

TEST(input_marks, without_senders_nothing_is_missing) {
  input_marks m;
  EXPECT_EQ(m.complete_until(now), max_time);
}

TEST(input_marks, the_slowest_sender_decides) {
  input_marks m;
  m.note("a", now - 2 * second, now);
  m.note("b", now - 5 * second, now);
  EXPECT_EQ(m.complete_until(now), now - 5 * second);
  m.note("b", now - second, now);
  EXPECT_EQ(m.complete_until(now), now - 2 * second);
}

TEST(input_marks, requests_that_overtake_each_other_do_not_go_back) {
  input_marks m;
  m.note("a", now, now);
  m.note("a", now - 10 * second, now);
  EXPECT_EQ(m.complete_until(now), now);
}

TEST(input_marks, old_data_beside_new_ones_are_what_a_sender_is_as_far_as) {
  input_marks m;
  m.note("a", now, now);
  m.note("a", now - 3600 * second, now);
  EXPECT_EQ(m.complete_until(now), now - 3600 * second);
  m.note("a", now + second, now + second);
  m.note("a", now - 3000 * second, now + 4 * second);
  EXPECT_EQ(m.complete_until(now + 5 * second), now - 3600 * second);
  EXPECT_EQ(m.complete_until(now + 6 * second), now - 3000 * second);
  EXPECT_EQ(m.complete_until(now + 10 * second), now + second) << "it is through";
}

TEST(input_marks, a_backlog_in_order_is_as_far_as_it_has_come) {
  input_marks m;
  for (int i = 0; i < 100; ++i) {
    m.note("a", now - (3600 - i) * second, now);
    EXPECT_LE(m.complete_until(now), now - (3600 - i) * second);
  }
}

TEST(input_marks, nobody_waits_for_the_silent) {
  input_marks m;
  m.note("gone", now - 100 * second, now);
  m.note("there", now, now + 60 * second);
  EXPECT_EQ(m.complete_until(now + 60 * second), now - 100 * second);
  EXPECT_EQ(m.complete_until(now + 61 * second), now);
}

TEST(input_marks, who_is_behind_by_name) {
  input_marks m;
  m.note("slow", now - 20 * second, now);
  m.note("backlog", now, now);
  m.note("backlog", now - 600 * second, now);
  m.note("there", now, now);
  const auto behind = m.behind(now, now);
  ASSERT_EQ(behind.size(), 2u);
  EXPECT_EQ(behind[0].name, "backlog");
  EXPECT_EQ(behind[0].complete_until, now - 600 * second);
  EXPECT_EQ(behind[1].name, "slow");
  EXPECT_TRUE(m.behind(now - 601 * second, now).empty());
  EXPECT_TRUE(m.behind(now, now + 61 * second).empty()) << "nobody waits for the silent";
  for (int i = 0; i < 100; ++i)
    m.note(std::to_string(i), now - i, now);
  EXPECT_EQ(m.behind(now, now).size(), 10u);
}

TEST(input_marks, senders_are_bounded) {
  input_marks m;
  for (int i = 0; i < 20'000; ++i)
    m.note(std::to_string(i), now - i, now);
  EXPECT_EQ(m.complete_until(now), now - 10'000);
}

}  // namespace
}  // namespace troupe::ingest
