// Budgets of series of a whole node: across shards and restarts, reloaded, with series that end.
#include "storage/model/slot.h"
#include "storage/model/tenant.h"
#include "tests/storage/node_fixture.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace troupe::storage {
namespace {

labels series_of(const std::string& team, int n) {
  return labels::from({{"__name__", "m"}, {"n", std::to_string(n)}, {"team", team}});
}

class series_budgets_test : public testing::Test {
 protected:
  series_budgets_test() { node_.opts.series_budgets = {budget(10)}; }

  static series_budget budget(uint64_t limit) { return {"teams", {}, {"team"}, limit}; }

  // One batch a shard; committed.
  append_report write(const std::string& team, int from, int to, double value = 1) {
    std::map<uint32_t, test_samples> by_shard;
    for (int n = from; n < to; ++n)
      by_shard[node_.store->shard_of(slot_of("", series_of(team, n)))].push_back(
          make_sample(series_of(team, n), node_.clk.now_ms(), value));
    append_report sum;
    for (const auto& [shard, samples] : by_shard) {
      const auto r = node_.store->appender(shard).append(make_batch(samples));
      EXPECT_TRUE(r.ok());
      sum += *r;
    }
    EXPECT_TRUE(node_.commit().ok());
    return sum;
  }

  budget_state::group state(const std::string& team) {
    const auto states = node_.store->series_budgets(100);
    for (const auto& g : states.at(0).groups)
      if (g.values.get("team") == team)
        return g;
    return {};
  }

  test_node node_;
};

TEST_F(series_budgets_test, only_new_series_above_the_limit_are_refused_whatever_their_shard) {
  node_.start();
  const auto first = write("a", 0, 25);
  EXPECT_EQ(first.accepted, 10u);
  EXPECT_EQ(first.over_budget, 15u);
  EXPECT_EQ(*first.budget, "\"teams\" (10 series) of {team=\"a\"}");
  EXPECT_EQ(write("b", 0, 10).refused(), 0u) << "other groups have room of their own";
  node_.clk.advance_ms(15'000);
  const auto again = write("a", 0, 25);
  EXPECT_EQ(again.accepted, 10u) << "those that are there go on";
  EXPECT_EQ(again.over_budget, 15u);
  EXPECT_EQ(state("a").series, 10u);
  EXPECT_EQ(state("a").refused, 30u);
  EXPECT_EQ(state("b").refused, 0u);
  EXPECT_EQ(node_.read().size(), 20u);
}

TEST_F(series_budgets_test, the_limit_is_exact_however_many_shards_write_at_once) {
  node_.opts.shards = 4;
  node_.opts.series_budgets = {budget(100)};
  node_.start();
  std::vector<test_samples> by_shard(4);
  for (int n = 0; n < 400; ++n) {
    const labels s = series_of("a", n);
    by_shard[node_.store->shard_of(slot_of("", s))].push_back(
        make_sample(s, node_.clk.now_ms(), 1));
  }
  std::atomic<uint64_t> accepted{0};
  std::vector<std::thread> writers;
  for (uint32_t shard = 0; shard < 4; ++shard)
    writers.emplace_back([&, shard] {
      for (const auto& sample : by_shard[shard]) {
        const auto r = node_.store->appender(shard).append(make_batch({sample}));
        accepted += r.ok() ? r->accepted : 0;
        EXPECT_TRUE(node_.store->appender(shard).commit().ok());
      }
    });
  for (auto& w : writers)
    w.join();
  EXPECT_EQ(accepted, 100u);
  EXPECT_EQ(node_.store->series_count(), 100u);
  EXPECT_EQ(state("a").refused, 300u);
}

TEST_F(series_budgets_test, a_restart_refuses_no_series_that_is_there) {
  node_.start();
  write("a", 0, 25);
  for (const bool clean : {false, true}) {
    clean ? node_.stop() : node_.crash();
    node_.start();
    EXPECT_EQ(state("a").series, 10u);
    node_.clk.advance_ms(15'000);
    EXPECT_EQ(write("a", 0, 25).accepted, 10u);
  }
  node_.stop();
  node_.opts.series_budgets = {budget(3)};
  node_.start();
  node_.clk.advance_ms(15'000);
  EXPECT_EQ(write("a", 0, 25).accepted, 10u) << "a lower limit takes nothing away";
}

TEST_F(series_budgets_test, a_reload_acts_at_once) {
  node_.start();
  write("a", 0, 25);
  node_.store->set_series_budgets({budget(12)});
  EXPECT_EQ(write("a", 0, 25).accepted, 12u);
  EXPECT_EQ(state("a").refused, 15u + 13u);
  // Others are counted from what is there.
  node_.store->set_series_budgets({budget(12), {"all", {}, {}, 15}});
  EXPECT_EQ(node_.store->series_budgets(9).at(1).groups.at(0).series, 12u);
  EXPECT_EQ(write("b", 0, 5).accepted, 3u);
  EXPECT_EQ(state("b").series, 3u);
  node_.store->set_series_budgets({});
  EXPECT_EQ(write("a", 0, 25).accepted, 25u);
  EXPECT_TRUE(node_.store->series_budgets(9).empty());
}

TEST_F(series_budgets_test, a_refused_series_takes_no_room_in_other_budgets) {
  node_.opts.series_budgets = {{"all", {}, {}, 100}, budget(10)};
  node_.start();
  write("a", 0, 25);
  EXPECT_EQ(node_.store->series_budgets(9).at(0).groups.at(0).series, 10u);
}

TEST_F(series_budgets_test, a_budget_concerns_what_its_selector_selects) {
  auto some = budget(2);
  some.selector = {matcher::equal("team", "a")};
  node_.opts.series_budgets = {some};
  node_.start();
  EXPECT_EQ(write("a", 0, 5).over_budget, 3u);
  EXPECT_EQ(write("b", 0, 5).over_budget, 0u);
}

TEST_F(series_budgets_test, series_that_end_make_room) {
  node_.start();
  write("a", 0, 10);
  node_.clk.advance_ms(15'000);
  EXPECT_EQ(write("a", 0, 4, stale_nan()).refused(), 0u);
  EXPECT_EQ(write("a", 10, 12).over_budget, 2u);
  ASSERT_TRUE(node_.maintain().ok());
  EXPECT_EQ(state("a").series, 6u);
  EXPECT_EQ(write("a", 10, 16).over_budget, 2u);
  // One that comes back is known, and counts again from the next look on.
  node_.clk.advance_ms(15'000);
  EXPECT_EQ(write("a", 0, 4).refused(), 0u);
  ASSERT_TRUE(node_.maintain().ok());
  EXPECT_EQ(state("a").series, 14u);
}

TEST_F(series_budgets_test, markers_of_series_that_are_not_there_take_no_room) {
  node_.start();
  const auto r = write("a", 0, 10, stale_nan());
  EXPECT_EQ(r.refused(), 0u);
  EXPECT_EQ(r.accepted, 0u);
  EXPECT_EQ(node_.store->series_count(), 0u);
  // One that is on its way is there.
  const labels s = series_of("a", 1);
  const timestamp_ms now = node_.clk.now_ms();
  ASSERT_TRUE(node_.append({make_sample(s, now, 1)}).ok());
  node_.write({make_sample(s, now + 1, stale_nan())});
  EXPECT_EQ(node_.read().begin()->second.size(), 2u);
}

TEST_F(series_budgets_test, series_that_leave_the_heads_make_room) {
  node_.start();
  write("a", 0, 12);
  // Blocks are made of it; the heads keep no series without samples.
  node_.clk.advance_ms(8 * 3600 * 1000);
  write("b", 0, 1);
  ASSERT_TRUE(node_.maintain().ok());
  node_.clk.advance_ms(60'000);
  ASSERT_TRUE(node_.maintain().ok());
  EXPECT_EQ(node_.store->series_count(), 1u);
  EXPECT_EQ(state("a").series, 0u);
  EXPECT_EQ(write("a", 20, 30).refused(), 0u);
}

TEST_F(series_budgets_test, what_is_not_stored_keeps_no_room) {
  node_.start();
  node_.fs.set_space_limit(1);
  const bool appended = node_.append({make_sample(series_of("a", 1), node_.clk.now_ms(), 1)}).ok();
  EXPECT_FALSE(node_.commit().ok() && appended);
  node_.fs.set_space_limit(0);
  EXPECT_EQ(state("a").series, 0u);
}

TEST_F(series_budgets_test, the_nodes_own_series_are_free) {
  node_.start();
  test_samples many;
  for (int n = 0; n < 30; ++n)
    many.push_back(make_sample(series_of("a", n), node_.clk.now_ms(), 1));
  node_.write(many, audit_tenant);
  EXPECT_EQ(node_.store->series_budgets(9).at(0).group_count, 0u);
}

}  // namespace
}  // namespace troupe::storage
