// Which ranges an import is cut into, and the file that notes which are done.
#include "storage/offline/import_plan.h"
#include "storage/offline/transfer_state.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

constexpr int64_t widths[] = {2, 6, 18};

std::vector<import_range> plan(std::vector<time_interval> extents) {
  auto ranges = plan_import(extents, widths);
  EXPECT_TRUE(ranges.ok());
  return ranges.ok() ? *ranges : std::vector<import_range>();
}

TEST(import_plan, ranges_are_those_that_compaction_ends_with) {
  using r = std::vector<import_range>;
  EXPECT_EQ(plan({}), r());
  EXPECT_EQ(plan({{5, 5}}), (r{{4, 6}}));
  // Whole wide ranges before the newest sample, then narrower ones.
  EXPECT_EQ(plan({{0, 45}}), (r{{0, 18}, {18, 36}, {36, 42}, {42, 44}, {44, 46}}));
  // Nothing where no extent lies.
  EXPECT_EQ(plan({{1, 1}, {40, 41}}), (r{{0, 18}, {40, 42}}));
  EXPECT_EQ(plan({{-3, -1}}), (r{{-4, -2}, {-2, 0}}));
  // The order of extents, and overlaps, make no difference.
  EXPECT_EQ(plan({{20, 45}, {0, 30}, {10, 12}}), plan({{0, 45}}));
}

TEST(import_plan, every_moment_of_an_extent_is_in_one_range) {
  seeded_random random(2);
  for (int round = 0; round < 200; ++round) {
    std::vector<time_interval> extents;
    for (size_t n = random.below(5); n > 0; --n) {
      const auto from = static_cast<timestamp_ms>(random.below(200)) - 100;
      extents.push_back({from, from + static_cast<timestamp_ms>(random.below(50))});
    }
    const auto ranges = plan(extents);
    for (size_t i = 1; i < ranges.size(); ++i)
      EXPECT_LE(ranges[i - 1].end, ranges[i].begin);
    for (const auto& e : extents)
      for (timestamp_ms t = e.min; t <= e.max; ++t)
        EXPECT_TRUE(std::any_of(ranges.begin(), ranges.end(), [&](const import_range& r) {
          return r.begin <= t && t < r.end;
        })) << t;
  }
}

TEST(import_plan, absurd_times_are_refused) {
  EXPECT_EQ(plan_import(std::vector<time_interval>{{min_time, 0}}, widths).code(),
            errc::out_of_bounds);
  EXPECT_EQ(plan_import(std::vector<time_interval>{{0, max_time}}, widths).code(),
            errc::out_of_bounds);
  EXPECT_EQ(plan_import(std::vector<time_interval>{{0, 7'000'000'000'000}}, widths).code(),
            errc::out_of_bounds);
}

TEST(transfer_state, comes_back_and_says_nothing_when_it_is_not_sure) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("d").ok());
  auto state = transfer_state::load(fs, "d/s", 7);
  EXPECT_FALSE(state.resumed());
  ASSERT_TRUE(state.begin().ok());
  EXPECT_TRUE(transfer_state::load(fs, "d/s", 7).resumed());
  ASSERT_TRUE(state.add({-4, 2}).ok());
  ASSERT_TRUE(state.add({2, 8}).ok());
  auto again = transfer_state::load(fs, "d/s", 7);
  EXPECT_TRUE(again.is_done({-4, 2}));
  EXPECT_TRUE(again.is_done({2, 8}));
  EXPECT_FALSE(again.is_done({-4, 8}));
  EXPECT_FALSE(transfer_state::load(fs, "d/s", 8).resumed());
  const size_t size = fs.content("d/s").size();
  for (size_t at = 0; at < size; ++at) {
    fs.flip_bit("d/s", at, at % 8);
    EXPECT_FALSE(transfer_state::load(fs, "d/s", 7).resumed()) << at;
    fs.flip_bit("d/s", at, at % 8);
  }
  ASSERT_TRUE(again.remove().ok());
  EXPECT_FALSE(fs.exists("d/s"));
  EXPECT_TRUE(again.remove().ok());
}

}  // namespace
}  // namespace troupe::storage
