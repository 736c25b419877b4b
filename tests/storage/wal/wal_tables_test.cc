// What the encoder remembers of series tables: right whatever becomes of a table, and small once it
// is quiet.
#include "storage/wal/frame_encoder.h"
#include "tests/storage/wal/wal_kit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

namespace troupe::storage {
namespace {

labels target_series(size_t i) {
  return make_series({{"__name__", "m" + std::to_string(i)}, {"job", "j"}, {"instance", "one"}});
}

TEST(position_map, agrees_with_a_map) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    seeded_random random(seed);
    position_map map;
    std::map<uint32_t, uint32_t> model;
    uint32_t table_size = 0, largest = 0;
    for (int step = 0; step < 40; ++step) {
      if (random.below(4) == 0) {
        table_size = static_cast<uint32_t>(random.below(table_size + 1));
        map.keep_below(table_size);
        model.erase(model.lower_bound(table_size), model.end());
      }
      table_size += static_cast<uint32_t>(random.below(60));
      largest = std::max(largest, table_size);
      const bool in_order = random.below(3) != 0;
      uint32_t index = static_cast<uint32_t>(random.below(1000));
      for (uint32_t i = 0; i < table_size; ++i) {
        const auto p = in_order ? i : static_cast<uint32_t>(random.below(table_size));
        ASSERT_EQ(map.find(p), model.contains(p) ? model[p] : position_map::none);
        if (model.contains(p) || random.below(10) == 0)
          continue;
        index += random.below(20) == 0 ? 7 : 1;
        map.add(p, index, table_size);
        model[p] = index;
      }
      ASSERT_EQ(map.find(table_size + 1), position_map::none);
      ASSERT_LE(map.memory_bytes(), largest * 8 + 400u);
    }
  }
}

TEST(wal_tables, series_that_come_go_and_change_places_keep_their_samples) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    seeded_random random(seed);
    log_fixture log(seed);
    log.settings.segment_bytes = 20'000;
    log.settings.key_frame_interval = 1 + seed % 7;
    log_content acked;
    ASSERT_TRUE(log.start().ok());
    std::vector<labels> series;
    series_table_ptr table;
    size_t next = 0;
    for (int step = 0; step < 150; ++step) {
      const uint64_t what = random.below(8);
      if (series.empty() || what == 0)
        for (uint64_t n = 1 + random.below(8); n > 0; --n)
          series.push_back(target_series(next++));
      else if (what == 1)
        std::swap(series[random.below(series.size())], series[random.below(series.size())]);
      else if (what == 2)
        std::erase_if(series, [&](const auto&) { return random.below(5) == 0; });
      else if (what == 3)  // of other slots: the table is no longer uniform
        series.push_back(make_series({{"__name__", "loose" + std::to_string(next++)}}));
      else if (what == 4)
        std::erase_if(series, [&](const auto& l) { return !l.has("instance"); });
      if (!table || what <= 4)
        table = table_of(series);
      write_batch b;
      b.table = table;
      b.group = 7;
      const bool partial = random.below(3) == 0;
      for (uint32_t i = 0; i < table->series.size(); ++i)
        if (!partial || random.below(2))
          b.floats.push_back({step * 1000, static_cast<double>(random.below(100)), i});
      if (partial && !table->series.empty())
        b.exemplars.push_back(
            {{{}, 1.5, step * 1000}, static_cast<uint32_t>(random.below(table->series.size()))});
      ASSERT_TRUE(log.writer->append(b).ok());
      acked.add(b);
      if (random.below(3) == 0) {
        ASSERT_TRUE(log.writer->commit().ok());
      }
    }
    ASSERT_TRUE(log.writer->commit().ok());
    const log_content found = log.reopen_and_replay();
    EXPECT_EQ(found.missing_from(acked), 0u) << "seed " << seed;
    EXPECT_TRUE(log.report.clean()) << "seed " << seed;
  }
}

TEST(wal_tables, a_quiet_target_takes_a_value_and_a_few_bits_a_series) {
  constexpr size_t per_target = 500, targets = 20;
  frame_encoder encoder({});
  encoded_frames frames;
  std::vector<series_table_ptr> tables;
  for (size_t t = 0; t < targets; ++t) {
    std::vector<labels> series;
    for (size_t i = 0; i < per_target; ++i)
      series.push_back(make_series({{"__name__", "m" + std::to_string(i)},
                                    {"job", "j"},
                                    {"instance", "h" + std::to_string(t)}}));
    tables.push_back(table_of(std::move(series)));
  }
  const auto round = [&](timestamp_ms ts) {
    for (size_t t = 0; t < targets; ++t)
      ASSERT_TRUE(encoder
                      .append(simple_batch(tables[t], ts,
                                           std::vector<double>(tables[t]->series.size(),
                                                               static_cast<double>(ts)),
                                           t),
                              {}, frames)
                      .ok());
    encoder.commit();
    frames.clear();
  };
  const auto quiet = [&](timestamp_ms from) {
    for (timestamp_ms i = 0; i < 20; ++i)
      round(from + i);
    EXPECT_LE(encoder.memory_bytes(), encoder.series_count() * 9 + targets * 600);
  };
  quiet(0);
  EXPECT_EQ(encoder.series_count(), targets * per_target);
  // Pages of a remote-write sender: the end of one target and the start of the next.
  frame_encoder paged({});
  std::vector<labels> both(tables[0]->series.begin() + 250, tables[0]->series.end());
  both.insert(both.end(), tables[1]->series.begin(), tables[1]->series.begin() + 250);
  const auto page = table_of(std::move(both));
  ASSERT_EQ(page->uniform_slot, -1);
  for (timestamp_ms i = 0; i < 20; ++i) {
    ASSERT_TRUE(
        paged.append(simple_batch(page, i, std::vector<double>(500, 1.0)), {}, frames).ok());
    paged.commit();
    frames.clear();
  }
  EXPECT_LE(paged.memory_bytes(), 500 * 9 + 1200u);
  // One more series: the old table is let go of.
  std::vector<std::weak_ptr<const series_table>> old(tables.begin(), tables.end());
  for (auto& t : tables)
    t = extend_series_table(t.get(),
                            {make_series({{"__name__", "new"}, {"job", "j"}, {"instance", "h"}})},
                            {t->slot(0)});
  quiet(100);
  for (const auto& t : old)
    EXPECT_TRUE(t.expired());
}

}  // namespace
}  // namespace troupe::storage
