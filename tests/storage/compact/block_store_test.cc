#include "storage/compact/block_store.h"

#include "tests/storage/compact/store_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::flat;
using test::hour;
using test::store_fixture;

// Three adjacent blocks that the planner merges.
flat write_three(store_fixture& f, size_t samples = 40) {
  flat all;
  for (int i = 0; i < 3; ++i) {
    const auto data = test::random_series(
        f.random, {.series = 6, .samples = samples, .from = i * 2 * hour, .step = 60'000});
    EXPECT_TRUE(f.write(data, i * 2 * hour, (i + 1) * 2 * hour).ok());
    const auto now = test::flatten(data);
    for (const auto& [name, rows] : now)
      all[name].insert(rows.begin(), rows.end());
  }
  return all;
}

TEST(block_store, merges_and_removes_the_parents) {
  store_fixture f(1);
  const auto all = write_three(f);
  EXPECT_EQ(f.content(), all);
  EXPECT_EQ(f.store->newest_end("t"), 6 * hour);
  EXPECT_EQ(f.store->newest_end("other"), min_time);
  const auto before = f.store->blocks();
  EXPECT_TRUE(*f.store->compact_once(test::plan));
  EXPECT_FALSE(*f.store->compact_once(test::plan));
  ASSERT_EQ(f.store->blocks().size(), 1u);
  EXPECT_EQ(f.content(), all);
  EXPECT_EQ(f.fs.list("data/blocks")->size(), 1u);
  const auto info = f.store->infos().at(0);
  EXPECT_EQ(info.level, 2u);
  EXPECT_EQ(info.samples, test::count_samples(all));
  EXPECT_FALSE(info.quarantined);
  EXPECT_EQ(f.store->counts().compactions, 1u);
  EXPECT_EQ(f.store->counts().written, 3u);
  EXPECT_EQ(test::read_all(*before[0]).size(), 6u) << "held blocks stay readable";
  f.fs.crash();
  f.reopen();
  EXPECT_EQ(f.content(), all);
}

TEST(block_store, ids_never_recur_even_from_the_same_seed_and_clock) {
  store_fixture f(1);
  std::set<std::string> seen;
  for (int i = 0; i < 5; ++i) {
    f.seed = 100;  // the next reopen starts the same random numbers again
    f.reopen();
    const auto data = test::random_series(f.random, {.series = 2, .samples = 10, .step = 1000});
    test::data_series_set source(data);
    const auto meta = f.store->write("t", 0, 2 * hour, source);
    ASSERT_TRUE(meta.ok());
    EXPECT_TRUE(seen.insert(meta->id).second);
    ASSERT_TRUE(f.store->delete_series("t", 0, 5000, std::vector<matchers>{{}}).ok());
    ASSERT_TRUE(f.store->clean_tombstones().ok());
    for (const auto& b : f.store->blocks())
      seen.insert(b->meta().id);
  }
}

// Crash at every operation of `work`: the content afterwards is one that `allowed` accepts, and the
// store goes on working.
template <class Prepare, class Work, class Allowed>
void crash_everywhere(Prepare prepare, Work work, Allowed allowed) {
  for (uint64_t n = 1;; ++n) {
    store_fixture f(n);
    const flat before = prepare(f);
    ASSERT_EQ(f.content(), before);
    f.fs.fail_nth(n, n % 2 ? errc::io_error : errc::no_space, true);
    const bool ok = work(f);
    const bool struck = f.fs.fault_struck();
    ASSERT_TRUE(allowed(before, f.content(), ok)) << "in memory, operation " << n;
    f.fs.clear_faults();
    if (n % 3 == 0)
      f.fs.kill();
    else
      f.fs.crash();
    f.reopen();
    ASSERT_TRUE(allowed(before, f.content(), ok)) << "after the crash, operation " << n;
    for (const auto& info : f.store->infos())
      ASSERT_FALSE(info.quarantined) << n << " " << info.reason;
    // Nothing is left over, and the same work now passes.
    const auto entries = *f.fs.list("data/blocks");
    for (const auto& e : entries)
      ASSERT_TRUE(is_block_id(e.name)) << e.name;
    ASSERT_EQ(entries.size(), f.store->blocks().size());
    const flat middle = f.content();
    ASSERT_TRUE(work(f));
    ASSERT_TRUE(allowed(middle, f.content(), true));
    if (!struck)
      return;
  }
}

TEST(block_store, content_is_constant_through_a_crash_at_every_step_of_a_merge) {
  crash_everywhere([](auto& f) { return write_three(f, 10); },
                   [](auto& f) { return f.store->compact_once(test::plan).ok(); },
                   [](const flat& before, const flat& now, bool) { return before == now; });
}

// A process dies during a merge (what it wrote is in the page cache only), the next one dies of a
// power cut while it tidies up.
void crash_twice(uint64_t seed) {
  bool first_struck = true;
  for (uint64_t n = 1; first_struck; ++n) {
    bool second_struck = true;
    for (uint64_t m = 1; second_struck; ++m) {
      store_fixture f((seed * 100 + n) * 100 + m);
      const flat before = write_three(f, 2);
      f.fs.fail_nth(n, errc::io_error, true);
      f.store->compact_once(test::plan).ok();
      first_struck = f.fs.fault_struck();
      f.store.reset();
      f.fs.kill();
      f.fs.fail_nth(m, errc::io_error, true);
      block_store::open(f.fs, f.clk, 7, "data/blocks", "data/quarantine").ok();
      second_struck = f.fs.fault_struck();
      f.fs.clear_faults();
      f.fs.crash();
      f.reopen();
      ASSERT_TRUE(f.content() == before) << seed << " " << n << " " << m;
    }
  }
}

TEST(block_store, content_is_constant_through_two_crashes) {
  for (uint64_t seed = 0; seed < 20 && !HasFatalFailure(); ++seed)
    crash_twice(seed);
}

TEST(block_store, content_is_constant_through_a_crash_at_every_step_of_a_rewrite) {
  const auto prepare = [](auto& f) {
    write_three(f, 10);
    EXPECT_TRUE(f.store->delete_series("t", hour / 10, 3 * hour, std::vector<matchers>{{}}).ok());
    return f.content();
  };
  crash_everywhere(
      prepare, [](auto& f) { return f.store->clean_tombstones().ok(); },
      [](const flat& before, const flat& now, bool) { return before == now; });
}

TEST(block_store, a_cut_block_is_whole_or_absent_after_a_crash_at_every_step) {
  seeded_random random(9);
  const auto fresh =
      test::random_series(random, {.series = 4, .samples = 20, .from = 8 * hour, .job = "new"});
  const auto both = [&](flat all) {
    all.merge(test::flatten(fresh));
    return all;
  };
  crash_everywhere([](auto& f) { return write_three(f, 10); },
                   [&](auto& f) { return f.write(fresh, 8 * hour, 10 * hour).ok(); },
                   [&](const flat& before, const flat& now, bool ok) {
                     return now == both(before) || (!ok && now == before);
                   });
}

TEST(block_store, deletion_and_expiry_happen_or_not) {
  const auto removed = [](const flat& from, timestamp_ms until) {
    return test::window(from, until + 1, max_time);
  };
  crash_everywhere(
      [](auto& f) { return write_three(f, 10); },
      [](auto& f) {
        return f.store->delete_series("t", min_time, 5 * 60'000, std::vector<matchers>{{}}).ok();
      },
      [&](const flat& before, const flat& now, bool ok) {
        return now == removed(before, 5 * 60'000) || (!ok && now == before);
      });
  // Expiry is out of memory at once; a crash may bring the block back until the next time.
  crash_everywhere([](auto& f) { return write_three(f, 10); },
                   [](auto& f) {
                     f.clk.advance_ms(1);
                     return f.store->apply_retention({4 * hour, 0}, 0).ok();
                   },
                   [&](const flat& before, const flat& now, bool) {
                     return now == removed(before, 2 * hour) || now == before;
                   });
}

TEST(block_store, retention_by_time_and_size) {
  store_fixture f(2);
  write_three(f);
  EXPECT_EQ(*f.store->apply_retention({4 * hour, 0}, 0), 1u);
  EXPECT_EQ(f.store->blocks().size(), 2u);
  const auto bytes = f.store->blocks()[0]->bytes() + f.store->blocks()[1]->bytes();
  EXPECT_EQ(*f.store->apply_retention({0, bytes + 10}, 10), 0u);
  EXPECT_EQ(*f.store->apply_retention({0, bytes + 9}, 10), 1u);
  EXPECT_EQ(f.store->blocks().at(0)->meta().min_time, 4 * hour);
  EXPECT_EQ(f.store->counts().expired_by_time, 1u);
  EXPECT_EQ(f.store->counts().expired_by_size, 1u);
  EXPECT_EQ(f.fs.list("data/blocks")->size(), 1u);
}

TEST(block_store, tenants_do_not_see_each_other) {
  store_fixture f(3);
  const auto mine = test::random_series(f.random, {.samples = 5});
  const auto theirs = test::random_series(f.random, {.samples = 5});
  ASSERT_TRUE(f.write(mine, 0, 2 * hour, "mine").ok());
  ASSERT_TRUE(f.write(theirs, 0, 2 * hour, "theirs").ok());
  ASSERT_TRUE(f.store->delete_series("mine", min_time, max_time, std::vector<matchers>{{}}).ok());
  EXPECT_TRUE(f.content("mine").empty());
  EXPECT_EQ(f.content("theirs"), test::flatten(theirs));
  ASSERT_TRUE(f.store->clean_tombstones().ok());
  EXPECT_EQ(f.store->blocks().size(), 1u) << "nothing left of a tenant: no block";
}

TEST(block_store, snapshot_is_a_store_of_its_own) {
  store_fixture f(4);
  const auto all = write_three(f);
  ASSERT_TRUE(f.store->snapshot("data/snapshots/one").ok());
  ASSERT_TRUE(f.store->delete_series("t", min_time, max_time, std::vector<matchers>{{}}).ok());
  ASSERT_TRUE(f.store->clean_tombstones().ok());
  EXPECT_TRUE(f.content().empty());
  f.fs.crash();
  auto copy = block_store::open(f.fs, f.clk, 1, "data/snapshots/one", "data/q2");
  ASSERT_TRUE(copy.ok());
  f.store = std::move(*copy);
  EXPECT_EQ(f.content(), all);
}

}  // namespace
}  // namespace troupe::storage
