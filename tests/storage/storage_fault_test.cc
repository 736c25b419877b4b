// A fault at every file operation in turn: power cut, full disk, broken disk. After each: what was
// acked is there, nothing is there that was never written, and work goes on (or stops for good,
// where it must).
#include "tests/storage/node_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using support::op_all;
using support::op_append;
using support::op_read;
using support::op_sync;
using support::op_write_side;

labels series_number(int n) {
  return labels::from({{"__name__", "m"}, {"instance", "host:" + std::to_string(n)}, {"job", "j"}});
}

// A short life of a node: writes, cuts, deletes; stops at the first failure. What was acked is in
// `acked`, what may be there besides in `maybe`.
class life {
 public:
  explicit life(test_node& node) : node_(node) {}

  status run() {
    for (int round = 0; round < 14; ++round) {
      TROUPE_TRY(write(round));
      node_.clk.advance_ms(10'000);
      TROUPE_TRY(node_.maintain(3));
      if (round == 9)
        TROUPE_TRY(erase());
    }
    return node_.maintain();
  }

  // Everything acked, and nothing but what was written.
  void check(const store_content& got) const {
    for (const auto& [series, samples] : acked_)
      for (const auto& [ts, s] : samples) {
        if (maybe_gone_.contains({series, ts}))
          continue;
        const auto at = got.find(series);
        ASSERT_TRUE(at != got.end()) << series;
        const auto found = at->second.find(ts);
        ASSERT_TRUE(found != at->second.end()) << series << " lost " << ts;
        ASSERT_EQ(found->second, s);
      }
    for (const auto& [series, samples] : got)
      for (const auto& [ts, s] : samples) {
        ASSERT_FALSE(gone_.contains({series, ts})) << series << " deleted " << ts << " came back";
        const auto known = written_.find({series, ts});
        ASSERT_TRUE(known != written_.end()) << series << " " << ts;
        ASSERT_EQ(known->second, s);
      }
  }

 private:
  using place = std::pair<std::string, timestamp_ms>;

  status write(int round) {
    test_samples samples;
    for (int n = 0; n < 4; ++n) {
      samples.push_back(make_sample(series_number(n), node_.clk.now_ms(), round * 10 + n));
      if (n == 1)
        samples.push_back(make_sample(series_number(n), node_.clk.now_ms() - 25'003, round));
    }
    for (const auto& s : samples)
      written_[{s.series.to_string(), s.ts}] = s.value;
    TROUPE_TRY(node_.append(samples));
    TROUPE_TRY(node_.commit());
    for (const auto& s : samples)
      acked_[s.series.to_string()][s.ts] = s.value;
    return {};
  }

  status erase() {
    const std::string series = series_number(2).to_string();
    const timestamp_ms end = node_.clk.now_ms() - 40'000;
    std::set<place> hit;
    for (const auto& [ts, s] : acked_[series])
      if (ts <= end)
        hit.emplace(series, ts);
    maybe_gone_ = hit;
    const std::vector<matchers> selectors{{matcher::equal("instance", "host:2")}};
    TROUPE_TRY(node_.store->delete_series("", min_time, end, selectors));
    gone_ = hit;
    return {};
  }

  test_node& node_;
  store_content acked_;
  std::map<place, reference_sample> written_;
  std::set<place> maybe_gone_, gone_;
};

void tune(test_node& node) {
  node.opts.min_block_ms = 30'000;
  node.opts.max_block_ms = 120'000;
  node.opts.wal_segment_bytes = 1024;
  node.opts.snapshot_interval_ms = 25'000;
}

uint64_t count_operations(uint32_t ops) {
  test_node node;
  tune(node);
  node.start();
  const uint64_t before = node.fs.operations(ops);
  life l(node);
  EXPECT_TRUE(l.run().ok());
  EXPECT_GT(node.store->blocks().size(), 1u);
  EXPECT_TRUE(node.fs.exists("data/head_chunks/00000.snapshot"));
  l.check(node.read());
  return node.fs.operations(ops) - before;
}

TEST(storage_fault, power_cut_at_every_operation) {
  const uint64_t operations = count_operations(op_write_side);
  std::printf("%lu operations\n", static_cast<unsigned long>(operations));
  for (uint64_t n = 1; n <= operations; ++n) {
    SCOPED_TRACE("operation " + std::to_string(n));
    test_node node(n);
    tune(node);
    node.start();
    life l(node);
    node.fs.fail_nth(n, errc::io_error, true);
    l.run().ignore();  // the last removals may fail without harm
    EXPECT_TRUE(node.fs.fault_struck());
    node.fs.clear_faults();
    n % 3 ? node.crash() : node.kill();
    node.opts.shards = 1 + static_cast<uint32_t>(n % 3);
    node.start();
    l.check(node.read());
    if (HasFailure())
      return;
    // And the life goes on.
    EXPECT_TRUE(node.maintain().ok());
    life next(node);
    node.clk.advance_ms(1000);
    EXPECT_TRUE(next.run().ok());
  }
}

TEST(storage_fault, full_disk_at_every_operation) {
  const uint64_t operations = count_operations(op_write_side);
  for (uint64_t n = 1; n <= operations; n += 1) {
    SCOPED_TRACE("operation " + std::to_string(n));
    test_node node(n);
    tune(node);
    node.start();
    life l(node);
    node.fs.fail_nth(n, errc::no_space, true);
    const status failed = l.run();
    EXPECT_TRUE(node.fs.fault_struck());
    EXPECT_TRUE(failed.ok() || failed.code() == errc::no_space) << failed.to_string();
    l.check(node.read());  // reads go on
    EXPECT_FALSE(node.append({make_sample(series_number(0), node.clk.now_ms() + 1, 1)}).ok() &&
                 node.commit().ok());
    node.fs.clear_faults();
    // Space is back: it recovers by itself.
    const status again = [&] {
      TROUPE_TRY(node.commit());
      return status();
    }();
    again.ignore();  // may still tell of batches that were lost
    node.write({make_sample(series_number(3), node.clk.now_ms() + 7, 42)});
    EXPECT_TRUE(node.maintain().ok());
    EXPECT_EQ(node.read().at(series_number(3).to_string()).at(node.clk.now_ms() + 7).value, 42);
    if (HasFailure())
      return;
  }
}

// One operation fails, the next ones work: nothing of the half-done work may show later.
TEST(storage_fault, a_single_failure_at_every_operation) {
  const uint64_t operations = count_operations(op_write_side);
  for (uint64_t n = 1; n <= 2 * operations; ++n) {
    SCOPED_TRACE("failure " + std::to_string(n));
    test_node node(n);
    tune(node);
    node.start();
    life l(node);
    const errc code = n % 2 ? errc::io_error : errc::no_space;
    node.fs.fail_nth(1 + n / 2, code, false);
    const status failed = l.run();
    EXPECT_TRUE(failed.ok() || failed.code() == code) << failed.to_string();
    l.check(node.read());
    // Work goes on, unless it was the log that broke.
    const status first = node.maintain(), second = node.maintain();
    EXPECT_TRUE(second.ok() || first.code() == second.code()) << second.to_string();
    l.check(node.read());
    n % 3 ? node.crash() : node.kill();
    node.start();
    l.check(node.read());
    EXPECT_TRUE(node.maintain().ok());
    l.check(node.read());
    if (HasFailure())
      return;
  }
}

TEST(storage_fault, a_failed_sync_is_final) {
  test_node node;
  tune(node);
  node.opts.shards = 1;
  node.start();
  const timestamp_ms now = node.clk.now_ms();
  node.write({make_sample(series_number(0), now, 1)});
  node.fs.fail_only_on("wal");
  node.fs.fail_nth(1, errc::io_error, false, op_sync);
  ASSERT_TRUE(node.append({make_sample(series_number(0), now + 1, 2)}).ok());
  EXPECT_EQ(node.commit().code(), errc::io_error);
  EXPECT_EQ(node.append({make_sample(series_number(0), now + 2, 3)}).code(), errc::io_error);
  EXPECT_EQ(node.commit().code(), errc::io_error);
  EXPECT_EQ(node.read().begin()->second.size(), 1u) << "reads go on";
  node.crash();
  node.start();
  EXPECT_EQ(node.read().begin()->second.at(now).value, 1);
  node.write({make_sample(series_number(0), now + 3, 3)});
}

// One batch is refused for lack of space while another waits for its commit: that one must hear it.
TEST(storage_fault, a_waiting_batch_hears_that_it_was_lost) {
  test_node node;
  tune(node);
  node.opts.shards = 1;
  node.start();
  const timestamp_ms now = node.clk.now_ms();
  status s;
  int accepted = 0;
  for (int i = 0; s.ok() && i < 10'000; ++i) {
    if (i == 5)
      node.fs.fail_nth(1, errc::no_space, true);
    s = node.append({make_sample(series_number(i % 7), now + i, i)});
    accepted += s.ok();
  }
  EXPECT_EQ((s.ok() ? node.commit() : s).code(), errc::no_space);
  node.fs.clear_faults();
  EXPECT_GT(accepted, 0);
  if (!s.ok()) {
    EXPECT_EQ(node.commit().code(), errc::no_space);
  }
  EXPECT_TRUE(node.read().empty());
  node.write({make_sample(series_number(0), now + 20'000, 1)});
  EXPECT_EQ(node.read().size(), 1u);
  node.crash();
  node.start();
  EXPECT_EQ(node.read().size(), 1u);
}

TEST(storage_fault, unreadable_files_never_stop_a_start) {
  test_node whole;
  tune(whole);
  whole.start();
  life l(whole);
  ASSERT_TRUE(l.run().ok());
  whole.kill();
  const uint64_t before = whole.fs.operations(op_read);
  whole.start();
  const uint64_t reads = whole.fs.operations(op_read) - before;
  for (uint64_t n = 1; n <= reads; ++n) {
    SCOPED_TRACE("read " + std::to_string(n));
    test_node node;
    tune(node);
    node.start();
    life other(node);
    ASSERT_TRUE(other.run().ok());
    node.kill();
    node.fs.fail_nth(n, errc::io_error, false, op_read);
    // Listing folders or reading the folder's own description may fail the start; a single file of
    // log or blocks must not.
    const status opened = node.open();
    if (!opened.ok()) {
      node.fs.clear_faults();
      EXPECT_EQ(opened.code(), errc::io_error);
      node.store.reset();
      node.start();
      other.check(node.read());
      continue;
    }
    node.replay();
    node.write({make_sample(series_number(0), node.clk.now_ms() + 1, 1)});
    node.kill();
    node.fs.clear_faults();
    node.start();
    if (HasFailure())
      return;
  }
}

}  // namespace
}  // namespace troupe::storage
