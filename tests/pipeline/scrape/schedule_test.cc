#include "pipeline/scrape/schedule.h"

#include "pipeline/scrape/timer_wheel.h"
#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace troupe::scrape {
namespace {

TEST(Schedule, InstantsAreOneIntervalApartAndAFunctionOfTheTarget) {
  seeded_random random(1);
  for (int i = 0; i < 2'000; ++i) {
    const uint64_t id = random.next();
    const auto interval = static_cast<int64_t>(1 + random.below(3'600'000));
    const auto now = static_cast<int64_t>(random.below(4'000'000'000'000ULL)) - 1'000'000;
    const auto first = next_instant(id, interval, now);
    EXPECT_GT(first, now);
    EXPECT_LE(first, now + interval);
    EXPECT_EQ(next_instant(id, interval, first), first + interval);
    EXPECT_EQ(next_instant(id, interval, first - 1), first);
    // Another node, asking at any other time in between, gets the same instant.
    const auto other = now + static_cast<int64_t>(random.below(static_cast<uint64_t>(first - now)));
    EXPECT_EQ(next_instant(id, interval, other), first);
  }
}

TEST(Schedule, TargetsAreSpread) {
  constexpr int buckets = 10;
  std::vector<int> count(buckets);
  for (uint64_t id = 0; id < 10'000; ++id)
    ++count[static_cast<size_t>(offset_of(id, 15'000) * buckets / 15'000)];
  for (const int c : count)
    EXPECT_NEAR(c, 1'000, 150);
}

TEST(Schedule, OffsetsNeverChange) {
  EXPECT_EQ(offset_of(1, 60'000), 29'907);
  EXPECT_EQ(offset_of(0xffff'ffff'ffff'ffffULL, 15'000), 791);
}

TEST(Schedule, StampRule) {
  EXPECT_EQ(stamp_of(100'000, 100'000, 60'000), 100'000);
  EXPECT_EQ(stamp_of(100'000, 101'000, 60'000), 100'000) << "at most a second late";
  EXPECT_EQ(stamp_of(100'000, 101'001, 60'000), 101'001);
  EXPECT_EQ(stamp_of(100'000, 100'100, 1'000), 100'000) << "at most a tenth of the interval late";
  EXPECT_EQ(stamp_of(100'000, 100'101, 1'000), 100'101);
  EXPECT_EQ(stamp_of(100'000, 99'000, 60'000), 99'000) << "the clock was set back";
}

TEST(TimerWheel, GivesEveryEntryOnceWhenDue) {
  timer_wheel wheel(1'000'000, 64);
  seeded_random random(3);
  std::map<uint32_t, int64_t> due;
  int64_t now = 1'000'000;
  uint32_t next_id = 0;
  for (int step = 0; step < 3'000; ++step) {
    for (uint64_t n = random.below(4); n > 0; --n) {
      const int64_t at = now - 20 + static_cast<int64_t>(random.below(5'000));
      wheel.insert(next_id, at);
      due[next_id++] = at;
    }
    if (!due.empty() && random.below(5) == 0) {
      wheel.remove(due.begin()->first);
      EXPECT_FALSE(wheel.contains(due.begin()->first));
      due.erase(due.begin());
    }
    now += static_cast<int64_t>(random.below(40));
    std::vector<uint32_t> got;
    wheel.collect(now, got);
    for (const auto id : got) {
      ASSERT_TRUE(due.count(id));
      EXPECT_LE(due[id], now);
      due.erase(id);
    }
    int64_t first = now + 100'000;
    for (const auto& [id, at] : due) {
      EXPECT_GT(at, now) << "left behind";
      first = std::min(first, at);
    }
    const auto wait = wheel.until_due_ms(now, 500);
    EXPECT_EQ(wait, std::min<int64_t>(first - now, 500));
  }
  EXPECT_EQ(wheel.size(), due.size());
}

TEST(TimerWheel, SurvivesClockSteps) {
  timer_wheel wheel(1'000'000, 64);
  wheel.insert(0, 1'000'500);
  wheel.insert(1, 1'009'000);
  std::vector<uint32_t> got;
  wheel.collect(500'000, got);
  EXPECT_TRUE(got.empty());
  wheel.collect(9'000'000, got);
  EXPECT_EQ(got.size(), 2u);
  EXPECT_EQ(wheel.until_due_ms(9'000'000, 77), 77);
}

TEST(TimerWheel, KeepsTheOrderOfInsertionInsideASlot) {
  timer_wheel wheel(0);
  for (uint32_t i = 0; i < 5; ++i)
    wheel.insert(i, 105);
  std::vector<uint32_t> got;
  wheel.collect(110, got);
  EXPECT_EQ(got, (std::vector<uint32_t>{0, 1, 2, 3, 4}));
}

}  // namespace
}  // namespace troupe::scrape
