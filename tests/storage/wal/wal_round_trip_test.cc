// What goes into the log comes back, whatever the batches, budgets, starts and shard counts.
#include "tests/storage/wal/wal_kit.h"

#include <gtest/gtest.h>

#include <bit>

namespace troupe::storage {
namespace {

void append_and_commit(log_fixture& log, log_content& acked, const write_batch& b) {
  ASSERT_TRUE(log.writer->append(b).ok());
  ASSERT_TRUE(log.writer->commit().ok());
  acked.add(b);
}

TEST(wal_round_trip, random_batches_come_back_over_starts_and_segments) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    log_fixture log(seed);
    log.settings.segment_bytes = 8'000;
    log.settings.key_frame_interval = 1 + seed % 9;
    log.settings.compression = seed % 2 == 0;
    batch_source source(seed);
    log_content acked;
    for (int start = 0; start < 3; ++start) {
      ASSERT_TRUE(log.start().ok());
      for (int i = 0; i < 60; ++i)
        append_and_commit(log, acked, source.next());
      if (start != 1) {
        ASSERT_TRUE(log.writer->close().ok());
      }
      log_content found = log.reopen_and_replay();
      EXPECT_EQ(found.missing_from(acked), 0u) << "seed " << seed;
      EXPECT_EQ(found.positions, acked.positions);
      EXPECT_TRUE(log.report.clean()) << "seed " << seed;
      EXPECT_EQ(log.doubled, 0u);
    }
    EXPECT_GT(log.files(".wal").size(), 3u);
  }
}

TEST(wal_round_trip, every_nan_payload_bit_zero_and_infinity_is_exact) {
  std::vector<double> values = {0.0, -0.0, 1.5, -1e308, 5e-324};
  for (int bit = 0; bit < 52; ++bit) {
    values.push_back(std::bit_cast<double>(0x7ff0000000000000ULL | 1ULL << bit));
    values.push_back(std::bit_cast<double>(0xfff0000000000000ULL | 1ULL << bit));
  }
  values.push_back(std::numeric_limits<double>::infinity());
  values.push_back(-std::numeric_limits<double>::infinity());
  values.push_back(normal_nan());
  values.push_back(stale_nan());
  auto table = table_of({make_series({{"__name__", "up"}, {"job", "a"}, {"instance", "b"}})});
  log_fixture log;
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  timestamp_ms ts = -5'000;
  for (double first : values) {
    for (double second : {0.0, stale_nan(), first}) {
      append_and_commit(log, acked, simple_batch(table, ts += 1000, {first}));
      append_and_commit(log, acked, simple_batch(table, ts += 1000, {second}));
    }
  }
  EXPECT_EQ(log.reopen_and_replay().missing_from(acked), 0u);
}

TEST(wal_round_trip, extreme_timestamps_survive) {
  auto table = table_of({make_series({{"__name__", "x"}})});
  log_fixture log;
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  write_batch b;
  b.table = table;
  for (timestamp_ms ts : {max_time, min_time, timestamp_ms{0}, max_time - 1, min_time + 1})
    b.floats.push_back({ts, 1, 0});
  b.starts = {{0, min_time}, {1, max_time}};
  append_and_commit(log, acked, b);
  EXPECT_EQ(log.reopen_and_replay().missing_from(acked), 0u);
}

TEST(wal_round_trip, refused_entries_are_not_written) {
  log_fixture log;
  ASSERT_TRUE(log.start().ok());
  auto table = table_of({make_series({{"__name__", "a"}}), make_series({{"__name__", "b"}}),
                         make_series({{"__name__", "c"}})});
  write_batch b = simple_batch(table, 1000, {1, 2, 3});
  b.starts = {{1, 500}, {2, 600}};
  uint32_t refused[] = {1};
  ASSERT_TRUE(log.writer->append(b, {refused, {}, {}}).ok());
  ASSERT_TRUE(log.writer->commit().ok());
  write_batch kept = b;
  kept.floats.erase(kept.floats.begin() + 1);
  kept.starts = {{1, 600}};
  log_content want;
  want.add(kept);
  EXPECT_EQ(log.reopen_and_replay(), want);
}

TEST(wal_round_trip, another_shard_count_keeps_all_data) {
  batch_source source(5);  // of all slots
  std::vector<write_batch> batches;
  for (int i = 0; i < 40; ++i)
    batches.push_back(source.next());
  log_fixture log;
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  for (const auto& b : batches)
    append_and_commit(log, acked, b);
  for (uint32_t shards : {3u, 4u, 1u}) {
    log.settings.shards = shards;
    auto dir = wal_directory::open(log.settings);
    ASSERT_TRUE(dir.ok());
    log.dir = *std::move(dir);
    log_content all;
    for (uint32_t shard = 0; shard < shards; ++shard) {
      log_content part = log.replay(shard);
      EXPECT_EQ(log.doubled, 0u);
      all.samples.merge(part.samples);
      EXPECT_TRUE(part.samples.empty()) << "a sample in two shards";
      all.exemplars.merge(part.exemplars);
      all.metadata.merge(part.metadata);
    }
    EXPECT_EQ(all.missing_from(acked), 0u) << shards;
    log.writer.reset();
    // Each of these runs adds data of its own shard.
    batch_source::shape shape;
    shape.shards = shards;
    shape.shard = shards - 1;
    shape.senders = 0;
    shape.targets = 1;
    batch_source more(100 + shards, shape);
    auto writer = wal_writer::open(*log.dir, shards - 1);
    ASSERT_TRUE(writer.ok());
    log.writer = *std::move(writer);
    for (int i = 0; i < 10; ++i) {
      write_batch b = more.scrape(0);
      b.tenant = "";
      b.group = 1'000'000 + shards;
      for (auto& e : b.floats)
        e.ts += shards;
      append_and_commit(log, acked, b);
    }
  }
}

TEST(wal_round_trip, small_steps_and_commits_in_between_reach_the_same_end) {
  log_fixture log;
  batch_source source(9);
  log_content acked;
  log.settings.segment_bytes = 4'000;
  ASSERT_TRUE(log.start().ok());
  for (int i = 0; i < 30; ++i)
    append_and_commit(log, acked, source.next());
  ASSERT_TRUE(log.start().ok());
  auto reader = wal_reader::open_replay(*log.dir, 0);
  ASSERT_TRUE(reader.ok());
  collector sink;
  bool done = false;
  int commits = 0;
  while (!done) {
    if (commits < 40) {
      append_and_commit(log, acked, source.next());
      ++commits;
      // Not committed yet: must not be seen.
      ASSERT_TRUE(log.writer
                      ->append(simple_batch(table_of({make_series({{"__name__", "unseen"}})}),
                                            commits, {1}))
                      .ok());
      log.writer->rollback();
    }
    auto step = (*reader)->step(sink, 200);
    ASSERT_TRUE(step.ok());
    done = *step && commits == 40;
  }
  EXPECT_EQ(sink.content.missing_from(acked), 0u);
  EXPECT_EQ(sink.doubled, 0u);
  EXPECT_TRUE((*reader)->report().clean());
}

TEST(wal_round_trip, a_huge_batch_is_split_and_comes_back) {
  log_fixture log;
  ASSERT_TRUE(log.start().ok());
  std::vector<labels> series;
  std::vector<double> values;
  for (int i = 0; i < 600; ++i) {
    series.push_back(make_series({{"__name__", "big_" + std::to_string(i)},
                                  {"text", std::string(60'000, static_cast<char>('a' + i % 26))}}));
    values.push_back(i);
  }
  write_batch b = simple_batch(table_of(series), 1000, values);
  b.source_position = "last";
  log_content acked;
  append_and_commit(log, acked, b);
  collector sink;
  auto reader = wal_reader::open_replay(*log.dir, 0);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE((*reader)->step(sink, 1u << 30).ok());
  EXPECT_EQ(sink.content.missing_from(acked), 0u);
}

TEST(wal_round_trip, bad_batches_change_nothing) {
  log_fixture log;
  ASSERT_TRUE(log.start().ok());
  auto table = table_of({make_series({{"__name__", "a"}})});
  log_content acked;
  append_and_commit(log, acked, simple_batch(table, 1, {1}));
  write_batch outside = simple_batch(table, 2, {1});
  outside.floats[0].series = 1;
  EXPECT_EQ(log.writer->append(outside).code(), errc::invalid_argument);
  EXPECT_EQ(log.writer->append(simple_batch(table, 2, {1}, 1, std::string(256, 't'))).code(),
            errc::invalid_argument);
  auto long_series = table_of({make_series({{"a", std::string((1 << 20) + 1, 'x')}})});
  EXPECT_EQ(log.writer->append(simple_batch(long_series, 2, {1})).code(), errc::invalid_argument);
  append_and_commit(log, acked, simple_batch(table, 3, {5}));
  EXPECT_EQ(log.reopen_and_replay(), acked);

  log.settings.shards = 2;
  ASSERT_TRUE(log.start(0).ok());
  std::vector<labels> other;
  for (int i = 0; other.empty(); ++i)
    if (labels l = make_series({{"n", std::to_string(i)}}); slot_of("", l) % 2 == 1)
      other.push_back(l);
  EXPECT_EQ(log.writer->append(simple_batch(table_of(other), 2, {1})).code(),
            errc::invalid_argument);
}

TEST(wal_round_trip, tombstones_come_in_order_with_samples) {
  log_fixture log;
  ASSERT_TRUE(log.start().ok());
  labels l = make_series({{"__name__", "a"}});
  ASSERT_TRUE(log.writer->append(simple_batch(table_of({l}), 1, {1})).ok());
  tombstone_entry t[] = {{l, min_time, 500}};
  ASSERT_TRUE(log.writer->append_tombstones("", t).ok());
  ASSERT_TRUE(log.writer->append(simple_batch(table_of({l}), 2, {2})).ok());
  ASSERT_TRUE(log.writer->commit().ok());
  struct order final : wal_sink {
    status apply(const wal_batch& b) override {
      for (const auto& e : b.floats)
        seen += std::to_string(e.ts);
      for (const auto& e : b.tombstones)
        seen += "t" + std::to_string(e.maxt) + e.series.to_string();
      return {};
    }
    std::string seen;
  } sink;
  auto reader = wal_reader::open_replay(*log.dir, 0);
  ASSERT_TRUE(reader.ok());
  ASSERT_TRUE((*reader)->step(sink, 1 << 20).ok());
  EXPECT_EQ(sink.seen, "1t500a2");
}

TEST(wal_round_trip, idle_and_mostly_vanished_groups_get_new_numbers) {
  log_fixture log;
  log.settings.segment_bytes = 3'000;
  log.settings.key_frame_interval = 4;
  log_content acked;
  ASSERT_TRUE(log.start().ok());
  auto once = table_of({make_series({{"__name__", "seldom"}, {"job", "j"}, {"instance", "i"}})});
  timestamp_ms ts = 0;
  for (int round = 0; round < 4; ++round) {
    append_and_commit(log, acked, simple_batch(once, ++ts, {double(round)}, 99));
    // 3,000 series that never come back, so that the dictionary is mostly garbage.
    for (int i = 0; i < 60; ++i) {
      std::vector<labels> series;
      for (int k = 0; k < 50; ++k)
        series.push_back(make_series({{"__name__", "churn"},
                                      {"job", "j"},
                                      {"instance", "c"},
                                      {"id", std::to_string(round * 10'000 + i * 50 + k)}}));
      append_and_commit(log, acked,
                        simple_batch(table_of(series), ++ts, std::vector<double>(50, i), 5));
    }
  }
  EXPECT_GT(log.files(".series").size(), 1u);
  EXPECT_LT(log.writer->series_count(), 9'000u);
  EXPECT_EQ(log.reopen_and_replay().missing_from(acked), 0u);
  EXPECT_TRUE(log.report.clean());
}

}  // namespace
}  // namespace troupe::storage
