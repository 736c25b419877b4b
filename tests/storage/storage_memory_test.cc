// A node whose memory is short (--storage.memory-limit), or that is told to flush: what it gives
// back, what it refuses.
#include "tests/storage/node_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

labels series_of(int n) {
  return labels::from({{"__name__", "m"},
                       {"instance", "i" + std::to_string(n % 3)},
                       {"job", "j"},
                       {"n", std::to_string(n)}});
}

test_samples samples_of(int from, int to, timestamp_ms ts, double value) {
  test_samples out;
  for (int n = from; n < to; ++n)
    out.push_back(make_sample(series_of(n), ts, value));
  return out;
}

append_report append(test_node& node, const test_samples& samples) {
  append_report sum;
  for (const auto& s : samples) {
    const auto r = node.store->appender(0).append(make_batch({s}));
    EXPECT_TRUE(r.ok()) << r.error().to_string();
    if (!r.ok())
      continue;
    sum.accepted += r->accepted;
    sum.no_memory += r->no_memory;
    sum.new_series_refused += r->new_series_refused;
  }
  EXPECT_TRUE(node.commit().ok());
  return sum;
}

TEST(storage_memory, near_the_limit_new_series_are_refused_and_known_ones_go_on) {
  test_node node;
  node.opts.shards = 1;
  node.start();
  node.write(samples_of(0, 5, node.clk.now_ms(), 1));
  node.hold_memory(90);
  const auto report = append(node, samples_of(0, 8, node.clk.now_ms(), 2));
  EXPECT_EQ(report.accepted, 5u);
  EXPECT_EQ(report.no_memory, 3u);
  EXPECT_EQ(report.new_series_refused, 0u);
  EXPECT_EQ(node.read().size(), 5u);
  node.hold_memory(50);
  EXPECT_EQ(append(node, samples_of(0, 8, node.clk.now_ms(), 3)).accepted, 8u);
  EXPECT_EQ(node.read().size(), 8u);
}

TEST(storage_memory, above_the_limit_batches_are_refused_whole_and_may_come_again) {
  test_node node;
  node.opts.shards = 1;
  node.start();
  node.write(samples_of(0, 5, node.clk.now_ms(), 1));
  node.hold_memory(110);
  const auto samples = samples_of(0, 5, node.clk.now_ms(), 2);
  const status full = node.append(samples);
  EXPECT_EQ(full.code(), errc::unavailable);
  EXPECT_NE(full.message().find("--storage.memory-limit"), std::string::npos);
  node.hold_memory(10);
  node.write(samples);
  EXPECT_EQ(node.read().begin()->second.size(), 2u);
}

TEST(storage_memory, what_the_log_has_is_replayed_whatever_memory_there_is) {
  test_node node;
  node.start();
  node.write(samples_of(0, 20, node.clk.now_ms(), 1));
  const auto content = node.read();
  node.crash();
  node.hold_memory(110);
  node.start();
  EXPECT_EQ(difference(node.read(), content), "");
}

TEST(storage_memory, short_memory_makes_cuts_early_and_lets_go_of_ended_series) {
  test_node node;
  node.opts.min_block_ms = 7'200'000;
  node.opts.max_block_ms = 72'000'000;
  node.start();
  node.write(samples_of(0, 50, node.clk.now_ms(), 1));
  for (int i = 0; i < 140; ++i) {
    node.clk.advance_ms(15'000);
    node.write(samples_of(0, 5, node.clk.now_ms(), i));
  }
  node.write({make_sample(series_of(1), node.clk.now_ms() + 300'000, 7)});  // a clock that is ahead
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->stats(1).series, 50u);
  const size_t blocks = node.store->blocks().size();
  node.hold_memory(85);
  const auto content = node.read();
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->blocks().size(), blocks + 1);
  EXPECT_EQ(node.store->stats(1).series, 5u) << "those that get samples stay";
  EXPECT_EQ(difference(node.read(), content), "");
  // Nothing new to give back: no block for a few samples more.
  node.write(samples_of(0, 5, node.clk.now_ms(), 1));
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->blocks().size(), blocks + 1);
  const auto later = node.read();
  node.crash();
  node.start();
  EXPECT_EQ(difference(node.read(), later), "");
  // The rest of the range becomes a block of its own, and they are merged.
  node.hold_memory(0);
  for (int i = 0; i < 60; ++i) {
    node.clk.advance_ms(300'000);
    node.write(samples_of(0, 5, node.clk.now_ms(), i));
  }
  const auto all = node.read();
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(difference(node.read(), all), "");
}

TEST(storage_memory, a_flush_brings_all_that_is_in_the_heads_to_blocks) {
  test_node node;
  node.start();
  for (int i = 0; i < 7; ++i) {
    node.write(samples_of(0, 10, node.clk.now_ms(), i));
    node.clk.advance_ms(5000);
  }
  ASSERT_TRUE(node.maintain().ok());
  const size_t blocks = node.store->blocks().size();
  const uint64_t log = *node.fs.tree_size("data/wal");
  const auto content = node.read();
  node.store->flush();
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_GT(node.store->blocks().size(), blocks);
  EXPECT_LT(*node.fs.tree_size("data/wal"), log / 2);
  EXPECT_EQ(difference(node.read(), content), "");
  // Nothing is left; what comes late goes with the next one.
  const size_t flushed = node.store->blocks().size();
  node.store->flush();
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->blocks().size(), flushed);
  node.write(samples_of(0, 10, node.clk.now_ms() - 7000, 1));
  const auto late = node.read();
  node.store->flush();
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(difference(node.read(), late), "");
  node.crash();
  node.start();
  EXPECT_EQ(difference(node.read(), late), "");
}

}  // namespace
}  // namespace troupe::storage
