// The whole engine behind its doors, one feature per test.
#include "storage/storage.h"

#include "storage/model/slot.h"
#include "tests/storage/node_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>

namespace troupe::storage {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

labels target(int n, const std::string& name = "m") {
  return labels::from(
      {{"__name__", name}, {"instance", "host:" + std::to_string(n)}, {"job", "j"}});
}

// One value per target at `ts`.
test_samples scrape(int targets, timestamp_ms ts, double value) {
  test_samples out;
  for (int n = 0; n < targets; ++n)
    out.push_back(make_sample(target(n), ts, value + n));
  return out;
}

size_t sample_count(const store_content& content) {
  size_t n = 0;
  for (const auto& [series, samples] : content)
    n += samples.size();
  return n;
}

TEST(storage, committed_samples_are_read_back_and_survive_kill_and_power_cut) {
  test_node node;
  node.start();
  const timestamp_ms now = node.clk.now_ms();
  ASSERT_TRUE(node.append(scrape(5, now, 1)).ok());
  EXPECT_EQ(sample_count(node.read()), 0u) << "visible before the commit";
  ASSERT_TRUE(node.commit().ok());
  const auto content = node.read();
  EXPECT_EQ(content.size(), 5u);
  EXPECT_EQ(content.at(target(3).to_string()).at(now).value, 4);
  node.kill();
  node.start();
  EXPECT_EQ(difference(node.read(), content), "");
  node.crash();
  node.start();
  EXPECT_EQ(difference(node.read(), content), "");
  node.stop();
  node.start();
  EXPECT_EQ(difference(node.read(), content), "");
}

TEST(storage, every_bit_survives) {
  test_node node;
  node.start();
  const timestamp_ms now = node.clk.now_ms();
  const double values[] = {
      stale_nan(), normal_nan(), -0.0, 0.0, std::bit_cast<double>(0xfff8dead'beef0001ULL),
      5e-324,      1e308};
  test_samples samples;
  for (int i = 0; i < 7; ++i) {
    samples.push_back(make_sample(target(1), now + i, values[i]));
    samples.back().value.start_ts = i % 2 ? now - 5 : no_start_timestamp;
    samples.push_back({target(2), now + i, {0, now - 9, test_histogram(i)}});
  }
  node.write(samples);
  const auto content = node.read();
  EXPECT_EQ(sample_count(content), 14u);
  EXPECT_TRUE(is_stale(content.at(target(1).to_string()).at(now).value));
  node.kill();
  node.start();
  EXPECT_EQ(difference(node.read(), content), "");
  // And through a block.
  node.clk.advance_ms(300'000);
  node.write(scrape(1, node.clk.now_ms(), 1));
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->blocks().size(), 1u);
  EXPECT_EQ(difference(node.read(now - 1000, now + 1000), content), "");
}

void append_during_replay(options::sync_mode mode) {
  test_node node;
  node.opts.sync = mode;
  node.start();
  const timestamp_ms now = node.clk.now_ms();
  node.write(scrape(4, now, 1));
  node.kill();
  ASSERT_TRUE(node.open().ok());
  EXPECT_FALSE(node.store->ready());
  EXPECT_EQ(node.store->reader().open("", 0, now).code(), errc::unavailable);
  EXPECT_EQ(node.store->delete_series("", 0, now, std::vector<matchers>{{}}).code(),
            errc::unavailable);
  node.write(scrape(4, now + 1000, 10));
  ASSERT_TRUE(node.append(scrape(4, now + 2000, 20)).ok());
  node.replay();
  EXPECT_EQ(sample_count(node.read()), 8u);
  ASSERT_TRUE(node.commit().ok());
  EXPECT_EQ(sample_count(node.read()), 12u);
  EXPECT_EQ(node.counts().stored, 8u);
  EXPECT_TRUE(node.store->progress().done);
}

TEST(storage, appends_are_acked_during_replay_and_queries_wait) {
  append_during_replay(options::sync_mode::always);
  append_during_replay(options::sync_mode::interval);
  append_during_replay(options::sync_mode::os);
}

TEST(storage, appends_during_replay_are_bounded) {
  test_node node;
  node.opts.replay_pending_bytes = 4096;
  ASSERT_TRUE(node.open().ok());
  const timestamp_ms now = node.clk.now_ms();
  status s;
  int accepted = 0;
  for (; s.ok() && accepted < 1000; ++accepted) {
    s = node.append(scrape(4, now + accepted, 1));
    ASSERT_TRUE(node.commit().ok());
  }
  EXPECT_EQ(s.code(), errc::unavailable);
  EXPECT_THAT(std::string(s.message()), HasSubstr("4096"));
  EXPECT_GT(accepted, 3);
  node.replay();
  node.write(scrape(4, now + 5000, 1));
}

TEST(storage, another_shard_count_keeps_everything) {
  test_node node;
  store_content want;
  const timestamp_ms start = node.clk.now_ms();
  int round = 0;
  for (const uint32_t shards : {3u, 1u, 4u, 256u, 2u}) {
    node.opts.shards = shards;
    node.start();
    EXPECT_EQ(node.store->shard_count(), shards);
    EXPECT_EQ(difference(node.read(), want), "");
    node.write(scrape(20, start + round * 1000, round));
    ++round;
    want = node.read();
    EXPECT_EQ(sample_count(want), 20u * static_cast<size_t>(round));
    round % 2 ? node.crash() : node.stop();
  }
  node.start();
  EXPECT_EQ(difference(node.read(), want), "");
}

TEST(storage, same_sample_again_is_nothing_and_conflicts_have_one_winner) {
  for (const bool reversed : {false, true}) {
    test_node node;
    node.start();
    const timestamp_ms now = node.clk.now_ms();
    const double first = reversed ? 7 : 3, second = reversed ? 3 : 7;
    node.write({make_sample(target(1), now, first)});
    node.write({make_sample(target(1), now, first)});
    node.write({make_sample(target(1), now, second)});
    EXPECT_EQ(node.read().at(target(1).to_string()).at(now).value, 7);
    EXPECT_EQ(node.counts().stored, 1u);
    EXPECT_EQ(node.counts().duplicates, 1u);
    EXPECT_EQ(node.counts().conflicts, 1u);
    // Inside one batch the first wins.
    node.write({make_sample(target(2), now, first), make_sample(target(2), now, second)});
    EXPECT_EQ(node.read().at(target(2).to_string()).at(now).value, first);
    const auto content = node.read();
    node.kill();
    node.start();
    EXPECT_EQ(difference(node.read(), content), "");
  }
}

TEST(storage, conflicts_between_head_and_block) {
  test_node node;
  node.start();
  const timestamp_ms start = node.clk.now_ms();
  node.write(scrape(2, start, 5));
  node.clk.advance_ms(300'000);
  node.write(scrape(2, node.clk.now_ms(), 1));
  ASSERT_TRUE(node.maintain().ok());
  ASSERT_EQ(node.store->blocks().size(), 1u);
  node.write({make_sample(target(0), start, 9), make_sample(target(1), start, -9),
              make_sample(target(0), start + 1, 1)});
  const auto content = node.read(start - 1000, start + 1000);
  EXPECT_EQ(content.at(target(0).to_string()).at(start).value, 9);
  EXPECT_EQ(content.at(target(0).to_string()).at(start + 1).value, 1);
  EXPECT_EQ(content.at(target(1).to_string()).at(start).value, 6);
  node.crash();
  node.start();
  EXPECT_EQ(difference(node.read(start - 1000, start + 1000), content), "");
}

TEST(storage, refuses_by_clock_and_options) {
  test_node node;
  node.opts.retention_ms = 1'000'000;
  node.start();
  const timestamp_ms now = node.clk.now_ms();
  node.opts.shards = 1;
  auto report = node.store->appender(node.store->shard_of(slot_of("", target(1))))
                    .append(make_batch({make_sample(target(1), now - 1'000'001, 1),
                                        make_sample(target(1), now - 999'999, 1),
                                        make_sample(target(1), now + 600'000, 1),
                                        make_sample(target(1), now + 600'001, 1)}));
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->too_old, 1u);
  EXPECT_EQ(report->too_far_in_future, 1u);
  EXPECT_EQ(report->accepted, 2u);
  EXPECT_EQ(report->first_refused, 0u);
  ASSERT_TRUE(node.commit().ok());
  node.store->set_out_of_order_window(100'000);
  report = node.store->appender(node.store->shard_of(slot_of("", target(1))))
               .append(make_batch({make_sample(target(1), now - 100'001, 1),
                                   make_sample(target(1), now - 100'000, 1)}));
  EXPECT_EQ(report->too_old, 1u);
  ASSERT_TRUE(node.commit().ok());
  EXPECT_EQ(sample_count(node.read()), 3u);
}

TEST(storage, series_limit_refuses_new_series_only) {
  test_node node;
  node.opts.max_series = 3;
  node.opts.shards = 1;
  node.start();
  const timestamp_ms now = node.clk.now_ms();
  const auto report = node.store->appender(0).append(make_batch(scrape(5, now, 1)));
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->new_series_refused, 2u);
  EXPECT_EQ(report->accepted, 3u);
  EXPECT_EQ(report->first_refused, 3u);
  const auto more = node.store->appender(0).append(make_batch(scrape(5, now + 1, 1)));
  EXPECT_EQ(more->accepted, 0u) << "those of the batch before count already";
  ASSERT_TRUE(node.commit().ok());
  EXPECT_EQ(node.store->appender(0).append(make_batch(scrape(5, now + 2, 1)))->accepted, 3u);
  ASSERT_TRUE(node.commit().ok());
  EXPECT_EQ(node.read().size(), 3u);
}

TEST(storage, tenants_are_apart) {
  test_node node;
  node.start();
  const timestamp_ms now = node.clk.now_ms();
  node.write({make_sample(target(1), now, 1)}, "a");
  node.write({make_sample(target(1), now, 2)}, "b");
  EXPECT_EQ(node.read(min_time, max_time, "a").begin()->second.at(now).value, 1);
  EXPECT_EQ(node.read(min_time, max_time, "b").begin()->second.at(now).value, 2);
  EXPECT_TRUE(node.read().empty());
  ASSERT_TRUE(node.store->delete_series("a", min_time, max_time, std::vector<matchers>{{}}).ok());
  node.clk.advance_ms(300'000);
  node.write(scrape(1, node.clk.now_ms(), 1), "b");
  ASSERT_TRUE(node.maintain().ok());
  node.crash();
  node.start();
  EXPECT_TRUE(node.read(min_time, max_time, "a").empty());
  EXPECT_EQ(sample_count(node.read(min_time, max_time, "b")), 2u);
}

TEST(storage, exemplars_and_metadata_survive_restart_and_checkpoint) {
  test_node node;
  node.start();
  const timestamp_ms start = node.clk.now_ms();
  auto batch = make_batch({make_sample(target(1), start, 1)});
  const labels trace = labels::from({{"trace_id", "x"}});
  batch->exemplars = {{{trace, 0.5, 0}, 0}, {{trace, 0.25, start - 1}, 0}};
  batch->metadata = {{"m", {metric_type::counter, "s", "help \n text"}}};
  ASSERT_TRUE(node.store->appender(node.store->shard_of(batch->table->slot(0))).append(batch).ok());
  ASSERT_TRUE(node.commit().ok());
  const auto check = [&] {
    const std::vector<matchers> all{{}};
    const auto found = node.store->reader().exemplars("", start - 10, start + 10, all);
    ASSERT_TRUE(found.ok());
    ASSERT_EQ(found->size(), 1u);
    EXPECT_EQ((*found)[0].series, target(1));
    ASSERT_EQ((*found)[0].exemplars.size(), 2u);
    EXPECT_EQ((*found)[0].exemplars[0].ts, start - 1);
    EXPECT_EQ((*found)[0].exemplars[1].ts, start);
    EXPECT_EQ((*found)[0].exemplars[1].lset, trace);
    const auto known = node.store->reader().metadata_of("", "", 0);
    ASSERT_EQ(known.size(), 1u);
    EXPECT_EQ(known[0].first, "m");
    EXPECT_EQ(known[0].second.help, "help \n text");
  };
  check();
  node.crash();
  node.start();
  check();
  node.clk.advance_ms(300'000);
  node.write(scrape(3, node.clk.now_ms(), 1));
  ASSERT_TRUE(node.maintain().ok());
  node.crash();
  node.start();
  check();
  node.clk.advance_ms(300'000);
  node.write(scrape(3, node.clk.now_ms(), 1));
  ASSERT_TRUE(node.maintain().ok());
  node.opts.shards = 3;
  node.kill();
  node.start();
  check();
}

TEST(storage, batches_without_samples) {
  test_node node;
  node.start();
  for (const bool with_table : {false, true}) {
    auto batch = std::make_shared<write_batch>();
    if (with_table)
      batch->table = std::make_shared<const series_table>();
    batch->metadata = {{with_table ? "b" : "a", {metric_type::gauge, "", "help"}}};
    const auto report = node.store->appender(0).append(batch);
    ASSERT_TRUE(report.ok()) << report.error().to_string();
    EXPECT_EQ(report->accepted, 0u);
    ASSERT_TRUE(node.store->appender(0).append(std::make_shared<write_batch>()).ok());
  }
  ASSERT_TRUE(node.commit().ok());
  node.crash();
  node.start();
  EXPECT_EQ(node.store->reader().metadata_of("", "", 0).size(), 2u);
}

TEST(storage, heads_become_blocks_and_the_log_shrinks) {
  test_node node;
  node.start();
  size_t written = 0;
  for (int i = 0; i < 200; ++i) {
    node.write(scrape(10, node.clk.now_ms(), i));
    written += 10;
    node.clk.advance_ms(5000);
    ASSERT_TRUE(node.maintain(2).ok());
  }
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(sample_count(node.read()), written);
  EXPECT_GT(node.store->blocks().size(), 1u);
  EXPECT_LT(node.store->stats(10).max_time - node.store->stats(10).min_time, 95'000);
  const uint64_t log = *node.fs.tree_size("data/wal");
  const auto content = node.read();
  node.crash();
  node.start();
  EXPECT_EQ(difference(node.read(), content), "");
  for (int i = 0; i < 200; ++i) {
    node.write(scrape(10, node.clk.now_ms(), i));
    node.clk.advance_ms(5000);
    ASSERT_TRUE(node.maintain(2).ok());
  }
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_LT(*node.fs.tree_size("data/wal"), log * 2);
  EXPECT_EQ(sample_count(node.read()), written * 2);
}

TEST(storage, an_open_query_keeps_its_samples_through_a_cut) {
  test_node node;
  node.start();
  const timestamp_ms start = node.clk.now_ms();
  node.write(scrape(3, start, 1));
  node.clk.advance_ms(300'000);
  node.write(scrape(3, node.clk.now_ms(), 1));
  auto q = node.store->reader().open("", min_time, max_time);
  ASSERT_TRUE(q.ok());
  auto set = (*q)->select({}, {});
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->blocks().size(), 1u);
  int series = 0;
  while ((*set)->next()) {
    sample_columns c;
    ASSERT_TRUE((*set)->read(min_time, max_time, c).ok());
    EXPECT_EQ(c.ts.size(), 2u);
    ++series;
  }
  EXPECT_EQ(series, 3);
  EXPECT_EQ(node.store->stats(1).min_time, start);
  set->reset();
  q->reset();
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->stats(1).min_time, node.clk.now_ms());
}

TEST(storage, series_without_samples_leave_the_head) {
  test_node node;
  node.start();
  node.write(scrape(50, node.clk.now_ms(), 1));
  EXPECT_EQ(node.store->stats(1).series, 50u);
  node.clk.advance_ms(300'000);
  node.write(scrape(1, node.clk.now_ms(), 1));
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->stats(1).series, 1u);
  EXPECT_EQ(node.read().size(), 50u);
}

// The shard remembers tables by address; garbage collection must not leave it with dead series.
TEST(storage, a_known_table_survives_garbage_collection) {
  test_node node;
  node.opts.shards = 1;
  node.start();
  const auto first = make_batch(scrape(20, node.clk.now_ms(), 1));
  const auto again = [&](double value) {
    auto next = std::make_shared<write_batch>(*first);
    for (auto& f : next->floats)
      f = {node.clk.now_ms(), value, f.series};
    ASSERT_TRUE(node.store->appender(0).append(next).ok());
    ASSERT_TRUE(node.commit().ok());
  };
  again(1);
  node.clk.advance_ms(300'000);
  auto other = std::make_shared<write_batch>(*make_batch(scrape(1, node.clk.now_ms(), 1)));
  other->group = 2;
  ASSERT_TRUE(node.store->appender(0).append(other).ok());
  ASSERT_TRUE(node.commit().ok());
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->stats(1).series, 1u);
  again(3);
  EXPECT_EQ(node.store->stats(1).series, 20u);
  EXPECT_EQ(sample_count(node.read()), 40u);
}

TEST(storage, deletion_is_durable_everywhere_and_new_samples_may_come) {
  test_node node;
  node.start();
  const timestamp_ms start = node.clk.now_ms();
  for (int i = 0; i < 60; ++i) {
    node.write(scrape(4, node.clk.now_ms(), i));
    node.clk.advance_ms(5000);
  }
  ASSERT_TRUE(node.maintain().ok());
  ASSERT_GT(node.store->blocks().size(), 0u);
  auto want = node.read();
  const std::vector<matchers> selectors{{matcher::equal("instance", "host:1")},
                                        {*matcher::make(match_op::regex, "instance", "host:[12]")}};
  ASSERT_TRUE(node.store->delete_series("", start + 5000, start + 250'000, selectors).ok());
  for (const int n : {1, 2}) {
    auto& samples = want.at(target(n).to_string());
    samples.erase(samples.lower_bound(start + 5000), samples.upper_bound(start + 250'000));
  }
  EXPECT_EQ(difference(node.read(), want), "");
  node.crash();
  node.start();
  EXPECT_EQ(difference(node.read(), want), "");
  ASSERT_TRUE(node.store->clean_tombstones().ok());
  EXPECT_EQ(difference(node.read(), want), "");
  node.write({make_sample(target(1), start + 10'000, 77)});
  want.at(target(1).to_string())[start + 10'000] = {77, 0, nullptr};
  EXPECT_EQ(difference(node.read(), want), "");
  node.clk.advance_ms(300'000);
  node.write(scrape(1, node.clk.now_ms(), 1));
  want.at(target(0).to_string())[node.clk.now_ms()] = {1, 0, nullptr};
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(difference(node.read(), want), "");
  node.crash();
  node.start();
  EXPECT_EQ(difference(node.read(), want), "");
}

TEST(storage, retention_removes_blocks) {
  test_node node;
  node.start();
  for (int i = 0; i < 200; ++i) {
    node.write(scrape(2, node.clk.now_ms(), i));
    node.clk.advance_ms(10'000);
    ASSERT_TRUE(node.maintain(3).ok());
  }
  ASSERT_TRUE(node.maintain().ok());
  const size_t before = node.store->blocks().size();
  node.store->set_retention(600'000, 0);
  node.clk.advance_ms(20'000);
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_LT(node.store->blocks().size(), before);
  for (const auto& b : node.store->blocks())
    EXPECT_GT(b.max_time, node.clk.now_ms() - 600'000);
  node.store->set_retention(0, 1);
  node.clk.advance_ms(20'000);
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->blocks().size(), 0u);
  EXPECT_GT(sample_count(node.read()), 0u) << "the head stays";
}

TEST(storage, retention_by_size_counts_the_log_and_the_chunks_of_the_heads) {
  test_node node;
  node.start();
  for (int i = 0; i < 400; ++i) {
    node.write(scrape(20, node.clk.now_ms(), i % 7 * 0.3));
    node.clk.advance_ms(2000);
    ASSERT_TRUE(node.maintain(3).ok());
  }
  ASSERT_TRUE(node.maintain().ok());
  uint64_t blocks = 0;
  for (const auto& b : node.store->blocks())
    blocks += b.bytes;
  node.fs.put("data/head_chunks/more", std::string(10'000, 'x'));
  const uint64_t log = *node.fs.tree_size("data/wal");
  const uint64_t head = *node.fs.tree_size("data/head_chunks");
  const size_t before = node.store->blocks().size();
  node.store->set_retention(0, blocks + log + head);
  node.clk.advance_ms(20'000);
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->blocks().size(), before);
  node.store->set_retention(0, blocks + log + head - 1);
  node.clk.advance_ms(20'000);
  ASSERT_TRUE(node.maintain().ok());
  EXPECT_EQ(node.store->blocks().size(), before - 1);
}

TEST(storage, retention_by_selector_deletes_series_and_admits_by_the_longest) {
  test_node node;
  node.opts.retention_ms = 600'000;
  node.opts.retention_rules = {{{matcher::equal("job", "short")}, 200'000},
                               {{matcher::equal("keep", "long")}, 3'600'000}};
  node.start();
  const auto short_one = labels::from({{"__name__", "a"}, {"job", "short"}, {"keep", "long"}});
  const auto normal = labels::from({{"__name__", "a"}, {"job", "x"}});
  const auto long_one = labels::from({{"__name__", "a"}, {"job", "x"}, {"keep", "long"}});
  const timestamp_ms start = node.clk.now_ms();
  for (int i = 0; i < 200; ++i) {
    const timestamp_ms now = node.clk.now_ms();
    node.write({make_sample(short_one, now, i), make_sample(normal, now, i),
                make_sample(long_one, now, i)});
    node.clk.advance_ms(10'000);
    ASSERT_TRUE(node.maintain(20).ok());
  }
  node.clk.advance_ms(20'000);
  ASSERT_TRUE(node.maintain().ok());
  const timestamp_ms end = node.clk.now_ms();
  const auto left = node.read();
  const auto oldest = [&](const labels& series) {
    return left.at(series.to_string()).begin()->first;
  };
  // A block goes as a whole: its span and what the heads hold come on top.
  EXPECT_GT(oldest(short_one), end - 200'000 - 300'000);
  EXPECT_LE(oldest(short_one), end - 200'000);
  EXPECT_GT(oldest(normal), end - 600'000 - 300'000);
  EXPECT_LE(oldest(normal), end - 600'000);
  EXPECT_EQ(oldest(long_one), start);
  EXPECT_EQ(left.at(long_one.to_string()).size(), 200u);
  // Durable, and a late sample of the longest retention is taken.
  node.write({make_sample(long_one, end - 3'500'000, 1)});
  node.crash();
  node.start();
  EXPECT_EQ(node.read().at(short_one.to_string()), left.at(short_one.to_string()));
  EXPECT_EQ(node.read().at(long_one.to_string()).size(), 201u);
}

TEST(storage, snapshot_is_a_data_folder) {
  test_node node;
  node.start();
  for (int i = 0; i < 60; ++i) {
    node.write(scrape(3, node.clk.now_ms(), i));
    node.clk.advance_ms(5000);
  }
  ASSERT_TRUE(node.maintain().ok());
  const auto all = node.read();
  const auto whole = node.store->snapshot(false), blocks_only = node.store->snapshot(true);
  ASSERT_TRUE(whole.ok()) << whole.error().to_string();
  ASSERT_TRUE(blocks_only.ok());
  EXPECT_NE(*whole, *blocks_only);
  node.stop();
  node.opts.dir = "data/snapshots/" + *whole;
  node.start();
  EXPECT_EQ(difference(node.read(), all), "");
  node.stop();
  node.opts.dir = "data/snapshots/" + *blocks_only;
  node.start();
  const size_t part = sample_count(node.read());
  EXPECT_GT(part, 0u);
  EXPECT_LT(part, sample_count(all));
}

TEST(storage, label_queries_span_heads_and_blocks) {
  test_node node;
  node.start();
  node.write({make_sample(target(1, "old"), node.clk.now_ms(), 1)});
  const timestamp_ms start = node.clk.now_ms();
  node.clk.advance_ms(300'000);
  node.write({make_sample(target(2, "new"), node.clk.now_ms(), 1)});
  ASSERT_TRUE(node.maintain().ok());
  auto q = *node.store->reader().open("", min_time, max_time);
  EXPECT_THAT(*q->label_names({}, 0), ElementsAre("__name__", "instance", "job"));
  EXPECT_THAT(*q->label_names({}, 2), ElementsAre("__name__", "instance"));
  EXPECT_THAT(*q->label_values("__name__", {}, 0), ElementsAre("new", "old"));
  const matchers ms{matcher::equal("instance", "host:1")};
  EXPECT_THAT(*q->label_values("__name__", ms, 0), ElementsAre("old"));
  auto early = *node.store->reader().open("", start - 10, start + 10);
  EXPECT_THAT(*early->label_values("__name__", {}, 0), ElementsAre("old"));
  q.reset();
  early.reset();
  const auto stats = node.store->stats(10);
  EXPECT_EQ(stats.series, 1u);
  EXPECT_EQ(stats.label_pairs, 3u);
  ASSERT_EQ(stats.series_by_metric.size(), 1u);
  EXPECT_EQ(stats.series_by_metric[0].name, "new");
}

TEST(storage, a_damaged_block_is_set_aside_and_named) {
  test_node node;
  node.start();
  const timestamp_ms start = node.clk.now_ms();
  node.write(scrape(3, start, 1));
  node.clk.advance_ms(300'000);
  node.write(scrape(3, node.clk.now_ms(), 1));
  ASSERT_TRUE(node.maintain().ok());
  const auto id = node.store->blocks().at(0).id;
  node.stop();
  node.fs.cut("data/blocks/" + id + "/index", 20);
  node.start();
  ASSERT_EQ(node.store->blocks().size(), 1u);
  EXPECT_TRUE(node.store->blocks()[0].quarantined);
  auto q = *node.store->reader().open("", min_time, max_time);
  ASSERT_EQ(q->warnings().size(), 1u);
  EXPECT_THAT(q->warnings()[0], HasSubstr(id));
  EXPECT_THAT(node.metrics.render(), HasSubstr("troupe_storage_blocks_quarantined 1\n"));
  node.write(scrape(3, node.clk.now_ms() + 1, 1));
}

TEST(storage, foreign_folders_are_refused_untouched) {
  const auto refused = [](const std::vector<std::string>& files, const std::string& hint) {
    test_node node;
    for (const auto& f : files) {
      ASSERT_TRUE(node.fs.create_directories(f.substr(0, f.rfind('/'))).ok());
      node.fs.put(f, "content");
    }
    const auto before = node.fs.files();
    const status s = node.open();
    EXPECT_EQ(s.code(), errc::permission_denied) << s.to_string();
    EXPECT_THAT(std::string(s.message()), HasSubstr(hint));
    EXPECT_EQ(node.fs.files(), before);
  };
  refused({"data/wal/00000000", "data/chunks_head/000001"}, "Prometheus");
  refused({"data/01ARZ3NDEKTSV4RRFFQ69G5FAV/meta.json"}, "Prometheus");
  refused({"data/holiday.jpg"}, "holiday.jpg");
  test_node harmless;
  ASSERT_TRUE(harmless.fs.create_directories("data/lost+found").ok());
  EXPECT_TRUE(harmless.open().ok());
}

TEST(storage, later_or_damaged_meta_is_an_error) {
  test_node node;
  node.start();
  node.stop();
  std::string meta = node.fs.content("data/troupe.meta");
  node.fs.put("data/troupe.meta", "troupe data folder\nformat 2\n");
  EXPECT_EQ(node.open().code(), errc::unsupported);
  node.fs.put("data/troupe.meta", "rubbish");
  EXPECT_EQ(node.open().code(), errc::corruption);
  node.fs.put("data/troupe.meta", meta);
  node.start();
}

TEST(storage, one_process_at_a_time) {
  test_node node;
  node.start();
  auto second = storage::open(node.opts, {&node.fs, &node.clk, &node.metrics, 7});
  EXPECT_EQ(second.code(), errc::already_exists);
  node.stop();
  node.start();
}

TEST(storage, closed_means_closed) {
  test_node node;
  node.start();
  const timestamp_ms now = node.clk.now_ms();
  ASSERT_TRUE(node.append(scrape(3, now, 1)).ok());
  ASSERT_TRUE(node.store->close().ok());
  EXPECT_EQ(node.append(scrape(3, now, 1)).code(), errc::unavailable);
  EXPECT_EQ(node.commit().code(), errc::unavailable);
  EXPECT_EQ(node.store->reader().open("", 0, now).code(), errc::unavailable);
  EXPECT_EQ(node.store->snapshot(false).code(), errc::unavailable);
  EXPECT_FALSE(node.store->ready());
  node.store.reset();
  node.start();
  EXPECT_EQ(sample_count(node.read()), 3u);
}

TEST(storage, options_are_checked) {
  test_node node;
  node.opts.shards = 0;
  EXPECT_EQ(node.open().code(), errc::invalid_argument);
  node.opts.shards = 257;
  EXPECT_EQ(node.open().code(), errc::invalid_argument);
  node.opts.shards = 1;
  node.opts.min_block_ms = 0;
  EXPECT_EQ(node.open().code(), errc::invalid_argument);
}

TEST(storage, opening_an_empty_store_is_cheap) {
  constexpr int rounds = 50;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < rounds; ++i) {
    test_node node(static_cast<uint64_t>(i));
    node.start();
    node.stop();
  }
  const auto spent = std::chrono::steady_clock::now() - begin;
  const double ms = std::chrono::duration<double, std::milli>(spent).count() / rounds;
  std::printf("open, replay and close of an empty store: %.3f ms\n", ms);
  EXPECT_LT(ms, 20);
}

}  // namespace
}  // namespace troupe::storage
