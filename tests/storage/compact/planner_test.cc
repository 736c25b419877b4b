#include "storage/compact/planner.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace troupe::storage {
namespace {

constexpr int64_t hour = 3600 * 1000;

block_meta block(std::string id, int64_t from_h, int64_t end_h, uint64_t bytes = 1000,
                 std::string tenant = "") {
  block_meta m;
  m.id = std::move(id);
  m.tenant = std::move(tenant);
  m.min_time = from_h * hour;
  m.max_time = end_h * hour;
  m.series = 100;
  m.index_bytes = bytes;
  return m;
}

using ids = std::vector<std::string>;

// The plan, whatever the order of the blocks.
ids plan(std::vector<block_meta> metas, std::map<std::string, uint64_t> tombstoned = {},
         bool everything = false) {
  const plan_options opts{2 * hour, 54 * hour, 0.05, everything};
  ids first;
  seeded_random random(metas.size());
  for (int order = 0; order < 10; ++order) {
    std::vector<block_summary> summaries;
    for (const auto& m : metas)
      summaries.push_back({&m, tombstoned[m.id]});
    const auto out = plan_compaction(summaries, opts);
    if (order == 0)
      first = out;
    EXPECT_EQ(out, first);
    for (size_t i = metas.size(); i > 1; --i)
      std::swap(metas[i - 1], metas[random.below(i)]);
  }
  return first;
}

TEST(planner, ranges_grow_by_three) {
  EXPECT_EQ(block_ranges({2 * hour, 54 * hour}),
            (std::vector<int64_t>{2 * hour, 6 * hour, 18 * hour, 54 * hour}));
  EXPECT_EQ(block_ranges({2 * hour, hour}), std::vector<int64_t>{2 * hour});
}

TEST(planner, a_range_is_merged_once_newer_data_exist) {
  EXPECT_EQ(plan({}), ids());
  EXPECT_EQ(plan({block("a", 0, 2), block("b", 2, 4)}), ids());
  EXPECT_EQ(plan({block("a", 0, 2), block("b", 2, 4), block("c", 4, 6)}), (ids{"a", "b", "c"}));
  EXPECT_EQ(plan({block("a", 0, 2), block("b", 2, 4), block("d", 6, 8)}), (ids{"a", "b"}));
  EXPECT_EQ(plan({block("a", 0, 2), block("d", 6, 8)}), ids()) << "alone";
}

TEST(planner, smaller_ranges_first_then_the_next) {
  EXPECT_EQ(plan({block("a", 0, 6), block("b", 6, 12), block("c", 12, 14), block("d", 14, 16),
                  block("e", 16, 18)}),
            (ids{"c", "d", "e"}));
  EXPECT_EQ(plan({block("a", 0, 6), block("b", 6, 12), block("c", 12, 18)}), (ids{"a", "b", "c"}));
  EXPECT_EQ(plan({block("a", 0, 54), block("b", 54, 108), block("c", 108, 162)}), ids())
      << "as large as blocks get";
}

TEST(planner, negative_times_are_aligned_too) {
  EXPECT_EQ(plan({block("a", -6, -4), block("b", -4, -2), block("c", -2, 0), block("d", 0, 2)}),
            (ids{"a", "b", "c"}));
}

TEST(planner, overlaps_merge_with_their_range) {
  EXPECT_EQ(plan({block("a", 0, 2), block("b", 0, 2), block("c", 2, 4), block("d", 4, 6)}),
            (ids{"a", "b", "c", "d"}));
  // Shards' blocks of one smallest range wait for the next range, unless there are many.
  EXPECT_EQ(plan({block("a", 0, 2), block("b", 0, 2)}), ids());
  std::vector<block_meta> many;
  for (char c = 'a'; c < 'i'; ++c)
    many.push_back(block(std::string(1, c), 0, 2));
  EXPECT_EQ(plan(many).size(), 8u);
}

TEST(planner, small_late_blocks_do_not_rewrite_a_large_one_each_time) {
  std::vector<block_meta> metas{block("big", 0, 18, 1'000'000), block("last", 18, 20)};
  for (int i = 0; i < 6; ++i) {
    metas.push_back(block("late" + std::to_string(i), 0, 7));
    EXPECT_EQ(plan(metas), ids()) << i;
  }
  metas.push_back(block("late6", 0, 7));
  EXPECT_EQ(plan(metas).size(), 8u);
  EXPECT_EQ(plan({block("big", 0, 18, 8000), block("late", 0, 7, 1000), block("last", 18, 20)}),
            (ids{"big", "late"}));
}

TEST(planner, everything_merges_what_the_largest_ranges_have) {
  const std::vector<block_meta> open = {block("a", 50, 52), block("b", 52, 53, 1'000'000),
                                        block("c", 53, 54), block("d", 54, 56)};
  EXPECT_EQ(plan(open), ids());
  EXPECT_EQ(plan(open, {}, true), (ids{"a", "b", "c"})) << "the range that d is in is another";
  EXPECT_EQ(plan({block("abc", 50, 54), block("d", 54, 56)}, {}, true), ids());
}

TEST(planner, tenants_are_kept_apart) {
  EXPECT_EQ(plan({block("a", 0, 2, 1, "x"), block("b", 2, 4, 1, "y"), block("c", 4, 6, 1, "x"),
                  block("d", 6, 8, 1, "y")}),
            (ids{"a", "c"}));
}

TEST(planner, blocks_with_many_tombstones_are_rewritten) {
  EXPECT_EQ(plan({block("a", 0, 2)}, {{"a", 5}}), ids());
  EXPECT_EQ(plan({block("a", 0, 2)}, {{"a", 6}}), ids{"a"});
}

ids joined(const retention_plan& p) {
  ids out = p.by_time;
  out.push_back("|");
  out.insert(out.end(), p.by_size.begin(), p.by_size.end());
  return out;
}

TEST(retention, by_time_needs_the_whole_block_to_be_older) {
  const std::vector<block_meta> b{block("a", 0, 2), block("b", 2, 4), block("c", 10, 12)};
  EXPECT_EQ(joined(plan_retention(b, {8 * hour, 0}, 12 * hour, 0)), (ids{"a", "b", "|"}));
  EXPECT_EQ(joined(plan_retention(b, {8 * hour + 1, 0}, 12 * hour, 0)), (ids{"a", "|"}));
  EXPECT_EQ(joined(plan_retention(b, {0, 0}, 1000 * hour, 0)), ids{"|"});
}

TEST(retention, a_clock_that_jumps_ahead_removes_nothing_new) {
  const std::vector<block_meta> b{block("a", 0, 2), block("b", 2, 4)};
  EXPECT_EQ(joined(plan_retention(b, {3 * hour, 0}, 1'000'000 * hour, 0)), ids{"|"});
  EXPECT_EQ(joined(plan_retention(b, {hour, 0}, 2 * hour, 0)), ids{"|"}) << "behind: by the clock";
}

TEST(retention, by_size_removes_the_oldest_and_counts_the_rest_of_the_folder) {
  const std::vector<block_meta> b{block("c", 4, 6), block("a", 0, 2), block("b", 2, 4, 1000, "t")};
  EXPECT_EQ(joined(plan_retention(b, {0, 3500}, 0, 500)), ids{"|"});
  EXPECT_EQ(joined(plan_retention(b, {0, 3499}, 0, 500)), (ids{"|", "a"}));
  EXPECT_EQ(joined(plan_retention(b, {0, 1499}, 0, 500)), (ids{"|", "a", "b", "c"}));
  EXPECT_EQ(joined(plan_retention(b, {3 * hour, 2000}, 6 * hour, 500)), (ids{"a", "|", "b"}));
}

}  // namespace
}  // namespace troupe::storage
