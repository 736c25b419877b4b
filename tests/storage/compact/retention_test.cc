// Retention by selector: which rule decides, when a block is rewritten, and that nothing else goes.
#include "storage/compact/retention.h"

#include "tests/storage/compact/store_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::flat;
using test::hour;
using test::store_fixture;

matchers of_series(const std::string& i) {
  return {matcher::equal("i", i)};
}

std::shared_ptr<const retention_policy> policy_of(int64_t otherwise,
                                                  std::vector<retention_rule> rules) {
  return std::make_shared<retention_policy>(otherwise, std::move(rules));
}

TEST(retention_policy, the_first_rule_that_matches_decides) {
  const auto p = policy_of(10 * hour, {{{matcher::equal("a", "1"), matcher::equal("b", "1")}, hour},
                                       {{matcher::equal("a", "1")}, 0},
                                       {{matcher::equal("b", "1")}, 20 * hour}});
  EXPECT_EQ(p->of(labels::from({{"a", "1"}, {"b", "1"}})), hour);
  EXPECT_EQ(p->of(labels::from({{"a", "1"}, {"b", "2"}})), 0);
  EXPECT_EQ(p->of(labels::from({{"b", "1"}})), 20 * hour);
  EXPECT_EQ(p->of(labels::from({{"c", "1"}})), 10 * hour);
  EXPECT_EQ(p->longest_ms(), 0) << "for ever is the longest";
  EXPECT_EQ(policy_of(10 * hour, {{{}, 20 * hour}})->longest_ms(), 20 * hour);
  EXPECT_EQ(policy_of(0, {{{}, 20 * hour}})->longest_ms(), 0);
  EXPECT_EQ(policy_of(10 * hour, {})->longest_ms(), 10 * hour);
}

// Six blocks of 2 h, six series i="0".."5" in each.
flat write_six(store_fixture& f) {
  flat all;
  for (int i = 0; i < 6; ++i) {
    const auto data = test::random_series(
        f.random, {.series = 6, .samples = 30, .from = i * 2 * hour, .step = 200'000});
    EXPECT_TRUE(f.write(data, i * 2 * hour, (i + 1) * 2 * hour).ok());
    for (const auto& [name, rows] : test::flatten(data))
      all[name].insert(rows.begin(), rows.end());
  }
  return all;
}

bool is_series(const std::string& name, const std::string& i) {
  return name.find("i=\"" + i + "\"") != std::string::npos;
}

flat without(flat all, const std::string& i, timestamp_ms before) {
  for (auto at = all.begin(); at != all.end();) {
    if (is_series(at->first, i))
      at->second.erase(at->second.begin(), at->second.lower_bound(before));
    at = at->second.empty() ? all.erase(at) : std::next(at);
  }
  return all;
}

TEST(retention_by_selector, blocks_lose_series_when_all_of_them_is_older) {
  store_fixture f(1);
  const auto all = write_six(f);
  f.clk.advance_ms(1000 * hour);  // the newest block is what counts
  f.store->set_retention_policy(policy_of(0, {{of_series("1"), 5 * hour}}));
  std::vector<std::string> kept;
  for (const auto& b : f.store->blocks())
    kept.push_back(b->meta().id);
  int rewritten = 0;
  while (*f.store->drop_expired_series())
    ++rewritten;
  EXPECT_EQ(rewritten, 3) << "those that end at 2, 4 and 6 h of 12";
  EXPECT_EQ(f.store->counts().expired_by_rule, 3u);
  EXPECT_EQ(f.content(), without(all, "1", 6 * hour));
  ASSERT_EQ(f.store->blocks().size(), 6u);
  for (size_t i = 0; i < 6; ++i)
    EXPECT_EQ(f.store->blocks()[i]->meta().id == kept[i], i >= 3) << i;
  f.fs.crash();
  f.reopen();
  EXPECT_EQ(f.content(), without(all, "1", 6 * hour));
  f.store->set_retention_policy(policy_of(0, {{of_series("1"), 5 * hour}}));
  EXPECT_FALSE(*f.store->drop_expired_series()) << "once is enough";
}

TEST(retention_by_selector, earlier_rules_shield_and_the_rest_has_a_retention_too) {
  store_fixture f(2);
  const auto all = write_six(f);
  f.clk.advance_ms(1000 * hour);
  f.store->set_retention_policy(policy_of(
      7 * hour, {{of_series("1"), 0}, {{*matcher::make(match_op::regex, "i", "1|2")}, 3 * hour}}));
  while (*f.store->drop_expired_series()) {
  }
  auto want = without(all, "2", 8 * hour);
  // The block of 4 to 6 h is rewritten for series 2; what else is over goes along.
  for (const auto* i : {"0", "3", "4", "5"})
    want = without(std::move(want), i, 5 * hour);
  EXPECT_EQ(f.content(), want);
}

TEST(retention_by_selector, a_block_of_nothing_but_expired_series_goes) {
  store_fixture f(3);
  write_six(f);
  f.clk.advance_ms(1000 * hour);
  f.store->set_retention_policy(policy_of(0, {{{matcher::equal("job", "j")}, 5 * hour}}));
  while (*f.store->drop_expired_series()) {
  }
  EXPECT_EQ(f.store->blocks().size(), 3u);
  EXPECT_EQ(f.fs.list("data/blocks")->size(), 3u);
}

TEST(retention_by_selector, a_merge_leaves_out_every_sample_that_is_too_old) {
  store_fixture f(4);
  const auto all = write_six(f);
  f.clk.advance_ms(1000 * hour);
  f.store->set_retention_policy(policy_of(0, {{of_series("1"), 9 * hour + 1000}}));
  EXPECT_TRUE(*f.store->compact_once(test::plan));
  EXPECT_EQ(f.content(), without(all, "1", 3 * hour - 1000));
}

TEST(retention_by_selector, a_clock_behind_the_data_is_heeded) {
  store_fixture f(5);
  const auto all = write_six(f);  // the clock stands near 1.7e12, far ahead; go by an old one below
  ASSERT_GT(f.clk.now_ms(), 12 * hour);
  f.clk.advance_ms(-f.clk.now_ms() + 6 * hour);
  f.store->set_retention_policy(policy_of(0, {{of_series("1"), 5 * hour}}));
  EXPECT_FALSE(*f.store->drop_expired_series());
  EXPECT_EQ(f.content(), all);
}

TEST(retention_by_selector, a_crash_or_failure_at_every_write_keeps_what_is_to_be_kept) {
  bool struck = true;
  for (uint64_t n = 1; struck; ++n) {
    store_fixture f(6);
    const auto all = write_six(f);
    f.clk.advance_ms(1000 * hour);
    const auto policy = policy_of(0, {{of_series("1"), 9 * hour}});
    f.store->set_retention_policy(policy);
    f.fs.fail_nth(n, errc::io_error, true);
    f.store->drop_expired_series().error().ignore();
    struck = f.fs.fault_struck();
    const auto want = without(all, "1", 2 * hour);
    EXPECT_TRUE(f.content() == all || f.content() == want) << n;
    f.fs.clear_faults();
    f.fs.crash();
    f.reopen();
    EXPECT_TRUE(f.content() == all || f.content() == want) << n;
    f.store->set_retention_policy(policy);
    while (*f.store->drop_expired_series()) {
    }
    ASSERT_EQ(f.content(), want) << n;
  }
}

}  // namespace
}  // namespace troupe::storage
