#include "pipeline/scrape/series_set.h"

#include "pipeline/scrape/bitmap.h"
#include "pipeline/scrape/line_cache.h"
#include "storage/model/slot.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace troupe::scrape {
namespace {

labels series(int i) {
  return labels::from(
      {{"__name__", "m"}, {"i", std::to_string(i)}, {"job", "j"}, {"instance", "x"}});
}

TEST(SeriesSet, PositionsAreStableAndTablesImmutable) {
  series_set s;
  EXPECT_EQ(s.find_or_add(series(0)), 0u);
  EXPECT_EQ(s.find_or_add(series(1)), 1u);
  EXPECT_EQ(s.find_or_add(series(0)), 0u);
  s.commit("");
  const auto first = s.table();
  ASSERT_EQ(first->series.size(), 2u);
  EXPECT_EQ(first->slot(1), slot_of("", series(1)));
  EXPECT_EQ(first->uniform_slot, slot_of("", series(1))) << "one target, one slot";
  EXPECT_EQ(s.find_or_add(series(1)), 1u);
  s.commit("");
  EXPECT_EQ(s.table(), first) << "nothing new, the same object";
  s.drop_index();
  EXPECT_EQ(s.find_or_add(series(2)), 2u);
  s.commit("");
  EXPECT_NE(s.table(), first);
  EXPECT_EQ(first->series.size(), 2u);
  EXPECT_EQ(s.at(2), series(2));
}

TEST(SeriesSet, RollbackForgetsWhatWasAdded) {
  series_set s;
  s.find_or_add(series(0));
  s.commit("");
  s.find_or_add(series(1));
  s.rollback();
  EXPECT_EQ(s.size(), 1u);
  EXPECT_EQ(s.find_or_add(series(2)), 1u);
  EXPECT_EQ(s.find_or_add(series(1)), 2u);
}

TEST(SeriesSet, DroppingTheIndexAndForgettingLinesGiveMemoryBack) {
  target_memory memory;
  for (int i = 0; i < 1000; ++i) {
    memory.series.find_or_add(series(i));
    memory.lines.push_back(line_entry::make("line", metric_type::gauge, 1, 0));
  }
  memory.series.commit("");
  const size_t full = memory.heap_bytes();
  memory.series.drop_index();
  memory.forget_lines();
  EXPECT_LE(memory.heap_bytes(), full - 1000 * (sizeof(line_entry) + sizeof(uint32_t)));
}

TEST(SeriesSet, CompactRenumbersTheLiving) {
  series_set s;
  bitmap live;
  for (int i = 0; i < 100; ++i) {
    s.find_or_add(series(i));
    if (i % 10 == 3)
      live.set(static_cast<uint32_t>(i));
  }
  s.commit("");
  ASSERT_TRUE(s.is_sparse(live));
  const auto moved = s.compact(live);
  EXPECT_EQ(s.size(), 10u);
  EXPECT_EQ(moved[3], 0u);
  EXPECT_EQ(moved[93], 9u);
  EXPECT_EQ(moved[4], 0xffffffffu);
  EXPECT_EQ(s.at(9), series(93));
  EXPECT_EQ(s.find_or_add(series(13)), 1u);
  EXPECT_FALSE(s.is_sparse(live));
}

TEST(Bitmap, Basics) {
  bitmap a, b;
  EXPECT_TRUE(a.empty());
  EXPECT_FALSE(a.test(1'000));
  EXPECT_FALSE(a.test_and_set(1'000));
  EXPECT_TRUE(a.test_and_set(1'000));
  a.set(3);
  b.set(3);
  std::vector<uint32_t> left;
  a.for_each_not_in(b, [&](uint32_t i) { left.push_back(i); });
  EXPECT_EQ(left, std::vector<uint32_t>{1'000});
  b.assign_tight(a);
  EXPECT_TRUE(b.test(1'000));
  a.clear();
  EXPECT_TRUE(a.empty());
}

}  // namespace
}  // namespace troupe::scrape
