// A start from a snapshot of the head: it spares reading the log, gives back the same head, and
// whatever happens to its files costs time only.
#include "tests/storage/node_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace troupe::storage {
namespace {

constexpr char snapshot_0[] = "data/head_chunks/00000.snapshot";

class head_snapshots : public testing::Test {
 protected:
  head_snapshots() {
    // Wide ranges: nothing is cut unless a test wants it.
    node_.opts.min_block_ms = 7'200'000;
    node_.opts.max_block_ms = 72'000'000;
    node_.opts.shards = 1;
    node_.opts.snapshot_interval_ms = 1;
    node_.start();
    start_ = node_.clk.now_ms() / 7'200'000 * 7'200'000;
  }

  static labels series_number(int n) {
    if (n == 5)  // too long to be packed
      return labels::from({{"__name__", "m5"}, {"long", std::string(9000, 'x')}});
    return labels::from({{"__name__", "m" + std::to_string(n)},
                         {"instance", "a:" + std::to_string(n % 2)},
                         {"job", "j"}});
  }

  void put(test_samples& to, int n, timestamp_ms ts, reference_sample value) {
    const labels series = series_number(n);
    to.push_back({series, ts, value});
    want_[series.to_string()][ts] = value;
  }

  // Constants, decimals, doubles, stale markers, gaps, late samples, start times, histograms.
  void write(int rounds) {
    for (int i = 0; i < rounds; ++i, ++round_) {
      test_samples samples;
      const timestamp_ms ts = start_ + round_ * 10'000;
      put(samples, 0, ts, {1.0, no_start_timestamp, nullptr});
      put(samples, 1, ts,
          {round_ % 9 == 4 ? stale_nan() : round_ * 0.25, no_start_timestamp, nullptr});
      put(samples, 2, ts, {static_cast<double>(round_) / 7, no_start_timestamp, nullptr});
      if (round_ % 5 != 0)
        put(samples, 3, ts + 3,
            {static_cast<double>(round_), start_ - 1000 - round_ / 50, nullptr});
      put(samples, 4, ts, {0, start_ - 5, test_histogram(round_)});
      put(samples, 5, ts, {-static_cast<double>(round_), no_start_timestamp, nullptr});
      if (round_ % 11 == 0 && round_ > 0)
        put(samples, 0, ts - 4'567, {2.0, start_, nullptr});
      node_.write(samples);
      node_.clk.advance_ms(10'000);
    }
  }

  void maintain() { ASSERT_TRUE(node_.maintain().ok()); }
  void expect_all() { ASSERT_EQ(difference(node_.read(), want_), ""); }

  // Loses what a start from a snapshot does not read.
  void drop_old_log() {
    const auto segments = wal_files();
    for (size_t i = 0; i + 1 < segments.size(); ++i)
      node_.fs.remove_file(segments[i]).ignore();
  }
  std::vector<std::string> wal_files() const {
    std::vector<std::string> out;
    for (const auto& f : node_.fs.files("data/wal/"))
      if (f.ends_with(".wal"))
        out.push_back(f);
    return out;
  }
  std::vector<std::string> chunk_files() const {
    std::vector<std::string> out;
    for (const auto& f : node_.fs.files("data/head_chunks/"))
      if (!f.ends_with(".snapshot"))
        out.push_back(f);
    return out;
  }

  // What is done to the files between kill and start must not show. The node is down afterwards,
  // its files as they were.
  void expect_no_loss(const std::function<void(support::sim_file_system&)>& damage) {
    node_.kill();
    const auto files = node_.fs.files("data");
    std::map<std::string, std::string> before;
    for (const auto& f : files)
      before[f] = node_.fs.content(f);
    damage(node_.fs);
    node_.start();
    expect_all();
    node_.kill();
    for (const auto& f : node_.fs.files("data"))
      node_.fs.remove_file(f).ignore();
    for (const auto& [f, content] : before)
      node_.fs.put(f, content);
  }

  test_node node_;
  timestamp_ms start_ = 0;
  int round_ = 0;
  store_content want_;
};

TEST_F(head_snapshots, a_start_needs_the_log_behind_it_only) {
  write(300);
  maintain();
  EXPECT_GT(chunk_files().size(), 1u);
  node_.kill();
  drop_old_log();
  node_.start();
  expect_all();
  // Behind it the log goes on with references of before.
  write(50);
  node_.crash();
  node_.start();
  expect_all();
  maintain();
  write(200);
  maintain();
  write(3);
  node_.kill();
  node_.start();
  expect_all();
  for (int i = 0; i < 3; ++i) {
    node_.crash();
    node_.start();
    write(130);
    expect_all();
  }
}

TEST_F(head_snapshots, a_stopped_node_leaves_one) {
  node_.opts.snapshot_interval_ms = 3'600'000;
  node_.kill();
  node_.start();
  write(200);
  EXPECT_EQ(node_.fs.content(snapshot_0), "");
  node_.stop();
  drop_old_log();
  node_.start();
  expect_all();
}

TEST_F(head_snapshots, none_is_written_where_none_is_wanted) {
  node_.kill();
  node_.opts.snapshot_interval_ms = 0;
  node_.opts.snapshot_log_bytes = 0;
  node_.start();
  write(50);
  maintain();
  node_.stop();
  EXPECT_EQ(node_.fs.content(snapshot_0), "");
}

TEST_F(head_snapshots, growth_of_the_log_brings_one) {
  node_.opts.snapshot_interval_ms = 3'600'000;
  node_.opts.snapshot_log_bytes = 4000;
  node_.kill();
  node_.start();
  write(5);
  maintain();
  EXPECT_EQ(node_.fs.content(snapshot_0), "");
  write(200);
  maintain();
  EXPECT_NE(node_.fs.content(snapshot_0), "");
}

TEST_F(head_snapshots, deletions_before_and_behind_it_hold) {
  write(100);
  const std::vector<matchers> first{{matcher::equal("__name__", "m1")}};
  ASSERT_TRUE(node_.store->delete_series("", min_time, start_ + 400'000, first).ok());
  std::erase_if(want_[series_number(1).to_string()],
                [&](const auto& s) { return s.first <= start_ + 400'000; });
  maintain();
  node_.clk.advance_ms(1);
  const std::vector<matchers> second{{matcher::equal("__name__", "m2")}};
  ASSERT_TRUE(node_.store->delete_series("", min_time, max_time, second).ok());
  want_.erase(series_number(2).to_string());
  node_.kill();
  node_.start();
  expect_all();
  write(10);
  node_.kill();
  node_.start();
  expect_all();
}

TEST_F(head_snapshots, exemplars_and_metadata_are_in_it) {
  write(3);
  const labels trace = labels::from({{"trace", "1"}});
  auto batch = make_batch({make_sample(series_number(0), start_ + 50'000, 7)});
  batch->exemplars = {{{trace, 0.5, start_ + 50'000}, 0}, {{trace, 0.25, start_ - 1}, 0}};
  batch->metadata = {{"m0", {metric_type::counter, "s", "help"}},
                     {"m0", {metric_type::gauge, "s", "other"}}};
  ASSERT_TRUE(node_.store->appender(0).append(batch).ok());
  ASSERT_TRUE(node_.commit().ok());
  const auto metadata = node_.store->reader().metadata_of("", "", 0);
  ASSERT_EQ(metadata.size(), 2u);
  maintain();
  node_.kill();
  drop_old_log();
  node_.start();
  const auto again = node_.store->reader().metadata_of("", "", 0);
  ASSERT_EQ(again.size(), 2u);
  for (size_t i = 0; i < 2; ++i)
    EXPECT_EQ(again[i].second, metadata[i].second);
  const std::vector<matchers> all{{}};
  const auto found = node_.store->reader().exemplars("", min_time, max_time, all);
  ASSERT_TRUE(found.ok());
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ((*found)[0].exemplars.size(), 2u);
}

TEST_F(head_snapshots, no_damage_of_it_loses_a_sample) {
  write(260);
  maintain();
  write(2);
  const size_t size = node_.fs.content(snapshot_0).size();
  ASSERT_GT(size, 1000u);
  for (size_t at = 0; at < size; at += 1 + at / 40)
    expect_no_loss([&](auto& fs) { fs.flip_bit(snapshot_0, at, at % 8); });
  for (size_t left = 0; left < size; left += 1 + size / 60)
    expect_no_loss([&](auto& fs) { fs.cut(snapshot_0, left); });
  expect_no_loss([&](auto& fs) { fs.remove_file(snapshot_0).ignore(); });
  expect_no_loss([&](auto& fs) { fs.put(snapshot_0, std::string(size, '\0')); });
  expect_no_loss([&](auto& fs) { fs.put(snapshot_0, fs.content(snapshot_0) + "x"); });
}

TEST_F(head_snapshots, no_damage_of_chunk_files_loses_a_sample) {
  write(400);
  maintain();
  write(2);
  const auto files = chunk_files();
  ASSERT_GT(files.size(), 2u);
  for (const auto& f : files) {
    const size_t size = node_.fs.content(f).size();
    for (size_t at = 0; at < size; at += 1 + size / 9)
      expect_no_loss([&](auto& fs) { fs.flip_bit(f, at, at % 8); });
    expect_no_loss([&](auto& fs) { fs.cut(f, size - 1); });
    expect_no_loss([&](auto& fs) { fs.remove_file(f).ignore(); });
  }
  expect_no_loss([&](auto& fs) {
    const std::string a = fs.content(files[0]), b = fs.content(files[1]);
    fs.put(files[0], b);
    fs.put(files[1], a);
  });
}

// The content of another file with the right name and size: only the checksum tells.
TEST_F(head_snapshots, chunk_files_of_another_run_do_not_count) {
  write(400);
  maintain();
  const auto files = chunk_files();
  expect_no_loss([&](auto& fs) {
    std::string other = fs.content(files[0]);
    std::rotate(other.begin() + 40, other.begin() + 50, other.end());
    fs.put(files[0], other);
  });
}

TEST_F(head_snapshots, one_of_another_shard_or_moment_does_not_count_or_does_no_harm) {
  node_.kill();
  node_.opts.shards = 2;
  node_.start();
  write(100);
  maintain();
  const char snapshot_1[] = "data/head_chunks/00001.snapshot";
  const std::string old = node_.fs.content(snapshot_0);
  ASSERT_NE(node_.fs.content(snapshot_1), "");
  expect_no_loss([&](auto& fs) {
    const std::string a = fs.content(snapshot_0), b = fs.content(snapshot_1);
    fs.put(snapshot_0, b);
    fs.put(snapshot_1, a);
  });
  node_.start();
  write(150);
  maintain();
  ASSERT_NE(node_.fs.content(snapshot_0), old);
  expect_no_loss([&](auto& fs) { fs.put(snapshot_0, old); });
  // Other numbers of shards, and back.
  for (const uint32_t shards : {3u, 1u, 2u, 2u}) {
    node_.kill();
    node_.opts.shards = shards;
    node_.start();
    expect_all();
    write(20);
  }
}

// What a checkpoint has left out lies in blocks, or was deleted from them.
TEST_F(head_snapshots, one_from_before_a_checkpoint_does_not_bring_deleted_samples_back) {
  write(300);
  maintain();
  const std::string old = node_.fs.content(snapshot_0);
  std::map<std::string, std::string> old_chunks;
  for (const auto& f : chunk_files())
    old_chunks[f] = node_.fs.content(f);
  write(1000);
  maintain();
  ASSERT_FALSE(node_.store->blocks().empty());
  expect_all();
  const std::vector<matchers> one{{matcher::equal("__name__", "m2")}};
  ASSERT_TRUE(node_.store->delete_series("", min_time, start_ + 1'000'000, one).ok());
  ASSERT_TRUE(node_.store->clean_tombstones().ok());
  std::erase_if(want_[series_number(2).to_string()],
                [&](const auto& s) { return s.first <= start_ + 1'000'000; });
  expect_no_loss([&](auto& fs) {
    fs.put(snapshot_0, old);
    for (const auto& [f, content] : old_chunks)
      fs.put(f, content);
  });
}

TEST_F(head_snapshots, a_cut_leaves_a_new_one) {
  write(300);
  maintain();
  write(800);
  maintain();
  ASSERT_FALSE(node_.store->blocks().empty());
  node_.kill();
  drop_old_log();
  node_.start();
  expect_all();
}

}  // namespace
}  // namespace troupe::storage
