#include "pipeline/http/deadline_wheel.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <set>

namespace troupe::http {
namespace {

TEST(DeadlineWheelTest, ExpiresInTimeAndNeverEarly) {
  constexpr int64_t tick = 10;
  deadline_wheel wheel(tick, 16);
  seeded_random random(7);
  std::vector<deadline_wheel::entry> entries(500);
  std::set<deadline_wheel::entry*> set;
  for (auto& e : entries) {
    wheel.set(e, static_cast<int64_t>(random.below(3000)));
    set.insert(&e);
  }
  // Some change their mind.
  for (size_t i = 0; i < entries.size(); i += 5)
    wheel.set(entries[i], static_cast<int64_t>(random.below(3000)));
  for (size_t i = 1; i < entries.size(); i += 5) {
    wheel.remove(entries[i]);
    set.erase(&entries[i]);
  }
  EXPECT_EQ(wheel.size(), set.size());
  for (int64_t now = 0; now < 3100; now += 7) {
    while (auto* e = wheel.expire(now)) {
      EXPECT_LE(e->due_ns, now);
      EXPECT_EQ(set.erase(e), 1u);
    }
    for (auto* e : set)
      ASSERT_GT(e->due_ns + 2 * tick + 7, now);
  }
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(wheel.empty());
}

TEST(DeadlineWheelTest, SurvivesALongPauseAndPastDeadlines) {
  deadline_wheel wheel(10, 8);
  deadline_wheel::entry a;
  deadline_wheel::entry b;
  wheel.set(a, 35);
  EXPECT_EQ(wheel.expire(1'000'000), &a);
  wheel.set(b, 5);
  wheel.set(a, 2'000'000);
  EXPECT_EQ(wheel.expire(1'000'020), &b);
  EXPECT_EQ(wheel.expire(1'000'020), nullptr);
  EXPECT_EQ(wheel.expire(2'000'020), &a);
}

}  // namespace
}  // namespace troupe::http
