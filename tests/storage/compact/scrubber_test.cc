// The background check of blocks: its rate, its order, and what becomes of damaged blocks.
#include "storage/compact/scrubber.h"

#include "storage/block/block_layout.h"
#include "storage/compact/damaged_pieces.h"
#include "storage/index/index_layout.h"
#include "tests/storage/compact/store_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <set>

namespace troupe::storage {
namespace {

using test::flat;
using test::hour;
using test::store_fixture;
using ::testing::HasSubstr;

constexpr uint64_t rate = 1 << 20;
constexpr int64_t day_ms = 24 * hour;

struct scrub_fixture : store_fixture {
  explicit scrub_fixture(uint64_t s) : store_fixture(s) { restart(); }

  void restart(uint64_t bytes_per_s = rate) {
    scrub.reset();
    reopen();
    scrub = std::make_unique<scrubber>(*store, clk, seed, bytes_per_s);
  }
  /// One block per 2 h range.
  flat write_some(int n, size_t samples = 200, size_t series = 4) {
    flat all;
    for (int i = 0; i < n; ++i) {
      const auto data = test::random_series(
          random, {.series = series, .samples = samples, .from = i * 2 * hour, .step = 1000});
      EXPECT_TRUE(write(data, i * 2 * hour, (i + 1) * 2 * hour).ok());
      for (const auto& [name, rows] : test::flatten(data))
        all[name].insert(rows.begin(), rows.end());
    }
    return all;
  }
  /// Lets time pass, then works until there is nothing to do; the number of pieces.
  int work(int64_t ms = 60'000) {
    clk.advance_ms(ms);
    int pieces = 0;
    for (;; ++pieces) {
      const auto more = scrub->step();
      EXPECT_TRUE(more.ok()) << more.error().to_string();
      if (!more.ok() || !*more)
        return pieces;
    }
  }
  std::string path_of(size_t block, std::string_view file) {
    return join_path(store->blocks().at(block)->dir(), file);
  }

  std::unique_ptr<scrubber> scrub;
};

uint64_t bytes_of(const block_store& store) {
  uint64_t out = 0;
  for (const auto& b : store.blocks())
    out += b->bytes();
  return out;
}

TEST(scrubber, reads_every_block_of_a_healthy_store_once_a_day) {
  scrub_fixture f(1);
  EXPECT_EQ(f.work(), 0) << "no blocks";
  const auto all = f.write_some(4);
  EXPECT_EQ(f.scrub->progress().last_pass, 0);
  EXPECT_GT(f.work(), 0);
  const auto after = f.scrub->progress();
  EXPECT_GE(after.bytes, bytes_of(*f.store));
  EXPECT_EQ(after.last_pass, f.clk.now_ms());
  EXPECT_EQ(after.damages, 0u);
  EXPECT_EQ(after.pass, 0);
  EXPECT_EQ(f.work(), 0);
  EXPECT_EQ(f.work(day_ms - 120'000), 0) << "the next pass begins a day after the last one did";
  EXPECT_GT(f.work(60'000), 0);
  EXPECT_EQ(f.scrub->progress().bytes, 2 * after.bytes);
  EXPECT_EQ(f.content(), all);
}

TEST(scrubber, keeps_to_its_rate_and_shows_how_far_it_is) {
  scrub_fixture f(2);
  f.write_some(4, 400);
  const uint64_t total = bytes_of(*f.store);
  f.restart(total / 100);
  // A chunk and the tables of an index are read whole.
  const uint64_t piece = total / 4;
  double before = 0;
  for (int second = 1; second <= 60; ++second) {
    f.work(1000);
    const auto p = f.scrub->progress();
    EXPECT_LE(p.bytes, total / 100 * static_cast<uint64_t>(second) + piece);
    EXPECT_GE(p.pass, before);
    before = p.pass;
  }
  EXPECT_GE(f.scrub->progress().bytes, total / 100 * 60);
  EXPECT_GT(before, 0.4);
  EXPECT_LT(before, 1);
}

TEST(scrubber, unused_time_counts_for_two_minutes_only) {
  scrub_fixture f(3);
  f.write_some(4, 400);
  const uint64_t total = bytes_of(*f.store);
  f.restart(total / 1000);
  f.work(hour);
  EXPECT_GE(f.scrub->progress().bytes, total / 1000 * 120);
  EXPECT_LE(f.scrub->progress().bytes, total / 1000 * 120 + total / 4);
}

TEST(scrubber, rate_zero_is_off) {
  scrub_fixture f(4);
  f.write_some(2);
  f.restart(0);
  EXPECT_EQ(f.work(2 * day_ms), 0);
  EXPECT_EQ(f.scrub->progress().bytes, 0u);
}

TEST(scrubber, blocks_that_are_merged_meanwhile_are_let_go) {
  scrub_fixture f(5);
  const auto all = f.write_some(3);
  f.restart(1000);
  f.work(1000);
  std::vector<std::weak_ptr<block_reader>> parents;
  for (const auto& b : f.store->blocks())
    parents.push_back(b);
  ASSERT_TRUE(*f.store->compact_once(test::plan));
  f.work(100'000);
  for (const auto& p : parents)
    EXPECT_TRUE(p.expired());
  EXPECT_EQ(f.content(), all);
  EXPECT_EQ(f.scrub->progress().damages, 0u);
}

// Every byte of a chunk file: exactly the chunk that it lies in is lost, and its bytes are kept.
TEST(scrubber, a_damaged_chunk_costs_itself_and_is_kept) {
  scrub_fixture f(6);
  const auto all = f.write_some(1, 30);
  const auto id = f.store->blocks()[0]->meta().id;
  const auto files = f.fs.files("data/");
  std::map<std::string, std::string> content;
  for (const auto& path : files)
    content[path] = f.fs.content(path);
  const auto chunks = content.at("data/blocks/" + id + "/chunks");
  for (uint64_t at = 0; at < chunks.size(); at += 7) {
    f.store.reset();
    for (const auto* dir : {"data/blocks", "data/quarantine"})
      ASSERT_TRUE(f.fs.remove_all(dir).ok());
    for (const auto& [path, bytes] : content) {
      ASSERT_TRUE(f.fs.create_directories(path.substr(0, path.rfind('/'))).ok());
      f.fs.put(path, bytes);
    }
    f.fs.flip_bit("data/blocks/" + id + "/chunks", at, at % 8);
    f.restart();
    f.work();
    ASSERT_EQ(f.store->blocks().size(), 1u);
    const auto& block = *f.store->blocks()[0];
    EXPECT_NE(block.meta().id, id);
    EXPECT_FALSE(block.damage().any());
    const auto left = f.content();
    EXPECT_TRUE(test::is_part_of(left, all));
    EXPECT_FALSE(f.fs.exists("data/blocks/" + id));
    EXPECT_EQ(f.store->counts().repaired, 1u);
    ASSERT_EQ(f.scrub->places().size(), 1u);
    const auto place = f.scrub->places()[0];
    EXPECT_EQ(place.file, "data/blocks/" + id + "/chunks");
    EXPECT_LE(place.offset, at);
    EXPECT_LT(at, place.offset + place.bytes);
    auto damaged = chunks;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    EXPECT_EQ(f.fs.content("data/quarantine/" + id + "/chunks." + std::to_string(place.offset)),
              damaged.substr(place.offset, place.bytes));
    const auto infos = f.store->infos();
    ASSERT_EQ(infos.size(), 2u);
    EXPECT_TRUE(infos[1].quarantined);
    EXPECT_EQ(infos[1].samples + test::count_samples(left), test::count_samples(all));
    EXPECT_THAT(infos[1].reason, HasSubstr("1 damaged chunks"));
    EXPECT_LT(infos[1].max_time - infos[1].min_time, hour) << "the range of what is lost";
    f.restart();
    EXPECT_EQ(f.content(), left);
    EXPECT_EQ(f.store->infos().size(), 2u);
  }
}

TEST(scrubber, a_damaged_chunk_costs_those_that_are_told_by_it) {
  uint64_t most = 0;
  for (uint64_t part = 0; part < 16; ++part) {
    scrub_fixture f(7);
    flat all;
    for (int i = 0; i < 4; ++i) {
      const auto data = test::classic_histograms(
          f.random, {.hosts = 1, .methods = 1, .samples = 240, .from = i * 2 * hour});
      EXPECT_TRUE(f.write(data, i * 2 * hour, (i + 1) * 2 * hour).ok());
      for (const auto& [name, rows] : test::flatten(data))
        all[name].insert(rows.begin(), rows.end());
    }
    ASSERT_TRUE(*f.store->compact_once(test::plan));
    const auto meta = f.store->blocks()[0]->meta();
    ASSERT_GT(meta.linked_chunks, 5u);
    const auto path = f.path_of(0, "chunks");
    f.fs.flip_bit(path, meta.chunk_bytes * part / 16, 3);
    const auto damaged = f.fs.content(path);
    f.restart();
    const auto left = f.content();
    const auto lost = f.store->blocks()[0]->damaged_chunks();
    ASSERT_TRUE(test::is_part_of(left, all));
    most = std::max(most, lost.size());
    f.work();
    EXPECT_EQ(f.scrub->progress().damages, lost.size());
    EXPECT_EQ(f.store->counts().repaired, 1u);
    EXPECT_EQ(f.content(), left);
    EXPECT_EQ(f.store->infos().back().samples + test::count_samples(left),
              test::count_samples(all));
    EXPECT_FALSE(f.store->blocks()[0]->damage().any());
    // Neighbours lie in one file.
    std::map<uint64_t, uint64_t> kept;
    const auto files = f.fs.list("data/quarantine/" + meta.id);
    ASSERT_TRUE(files.ok());
    for (const auto& e : *files)
      if (e.name.starts_with("chunks.")) {
        const auto bytes = f.fs.content("data/quarantine/" + meta.id + "/" + e.name);
        const uint64_t offset = std::stoull(e.name.substr(7));
        EXPECT_EQ(bytes, damaged.substr(offset, bytes.size()));
        kept[offset] = offset + bytes.size();
      }
    for (const uint64_t offset : lost) {
      const auto at = kept.upper_bound(offset);
      EXPECT_TRUE(at != kept.begin() && std::prev(at)->second > offset) << offset;
    }
  }
  EXPECT_GT(most, 2u);
  EXPECT_LE(most, 6u);
}

TEST(scrubber, damaged_series_records_cost_their_group_and_the_block_is_kept) {
  scrub_fixture f(7);
  const auto all = f.write_some(1, 50, 20);
  const auto id = f.store->blocks()[0]->meta().id;
  f.fs.flip_bit(f.path_of(0, "index"), 12, 1);
  f.restart();
  f.work();
  EXPECT_EQ(f.content().size(), all.size() - index_layout::group_series);
  EXPECT_TRUE(test::is_part_of(f.content(), all));
  EXPECT_FALSE(f.store->blocks()[0]->damage().any());
  for (const auto* file : {"chunks", "index", "meta", "tombstones"})
    EXPECT_TRUE(f.fs.exists("data/quarantine/" + id + "/" + file)) << file;
  EXPECT_EQ(f.store->counts().repaired, 1u);
}

TEST(scrubber, a_block_whose_tables_go_bad_is_set_aside) {
  scrub_fixture f(8);
  f.write_some(2);
  const auto id = f.store->blocks()[0]->meta().id;
  // A page of the open file comes back changed from the disk.
  const auto name = f.store->blocks()[0]->index().label_at(0).name;
  const_cast<char&>(name.front()) ^= 1;
  f.work();
  ASSERT_EQ(f.store->blocks().size(), 1u);
  EXPECT_NE(f.store->blocks()[0]->meta().id, id);
  EXPECT_TRUE(f.fs.exists("data/quarantine/" + id + "/index"));
  EXPECT_EQ(f.store->counts().quarantined, 1u);
}

TEST(scrubber, what_is_wrong_but_readable_is_told_and_stays) {
  scrub_fixture f(9);
  const auto all = f.write_some(1);
  auto meta = f.store->blocks()[0]->meta();
  ++meta.samples;
  f.fs.put(f.path_of(0, "meta"), encode_meta(meta));
  f.restart();
  f.work();
  EXPECT_EQ(f.scrub->progress().damages, 1u);
  EXPECT_EQ(f.content(), all);
  EXPECT_EQ(f.store->blocks()[0]->meta().id, meta.id);
  EXPECT_EQ(f.store->counts().quarantined, 0u);
}

TEST(scrubber, blocks_that_queries_found_damaged_come_first) {
  scrub_fixture f(10);
  f.write_some(4);
  for (size_t i = 0; i < 4; i += 3)
    f.fs.flip_bit(f.path_of(i, "chunks"), 20, 1);
  f.restart(f.store->blocks()[0]->bytes());  // one block a second
  const auto first = f.store->blocks()[0], last = f.store->blocks()[3];
  test::read_all(*first);
  test::read_all(*last);
  for (int second = 0; second < 10 && f.store->counts().repaired < 2; ++second) {
    EXPECT_EQ(f.scrub->progress().pass, 0) << "the pass has not begun";
    f.work(1000);
  }
  EXPECT_EQ(f.store->counts().repaired, 2u);
  f.work();
  EXPECT_GT(f.scrub->progress().last_pass, 0);
  EXPECT_EQ(f.scrub->progress().damages, 2u);
}

TEST(scrubber, more_damage_than_pieces_keeps_the_block_whole) {
  scrub_fixture f(11);
  std::vector<test::series_data> data;
  for (int i = 0; i < 250; ++i)
    for (auto& s : test::random_series(
             f.random, {.series = 1, .samples = 3, .step = 1000, .job = std::to_string(i)}))
      data.push_back(std::move(s));
  std::sort(data.begin(), data.end(),
            [](const auto& a, const auto& b) { return a.series < b.series; });
  ASSERT_TRUE(f.write(data, 0, 2 * hour).ok());
  const auto block = f.store->blocks()[0];
  labels series;
  std::vector<chunk_ref> chunks;
  std::set<uint64_t> hit;
  size_t left = 0;
  for (series_ref ref = 0; ref < 250; ++ref) {
    ASSERT_TRUE(block->read_series(ref, series, chunks).ok());
    for (const auto& c : chunks)
      if (ref % 2 == 0 && hit.insert(c.offset).second)
        f.fs.flip_bit(f.path_of(0, "chunks"), c.offset, 0);
  }
  for (series_ref ref = 0; ref < 250; ++ref) {
    ASSERT_TRUE(block->read_series(ref, series, chunks).ok());
    // Equal series share a chunk.
    left += std::none_of(chunks.begin(), chunks.end(),
                         [&](const auto& c) { return hit.contains(c.offset); });
  }
  ASSERT_GT(hit.size(), damaged_pieces::max_pieces);
  f.restart();
  f.work();
  EXPECT_EQ(f.content().size(), left);
  EXPECT_TRUE(f.fs.exists("data/quarantine/" + block->meta().id + "/chunks"));
}

// A crash or a failure at every write of a repair: the readable samples are there once, and what is
// damaged is in the block or in quarantine.
TEST(scrubber, a_repair_survives_a_crash_at_every_write) {
  for (const errc code : {errc::io_error, errc::no_space}) {
    bool struck = true;
    for (uint64_t n = 1; struck; ++n) {
      scrub_fixture f(12);
      f.write_some(1, 30);
      const auto id = f.store->blocks()[0]->meta().id;
      f.fs.flip_bit(f.path_of(0, "chunks"), 20, 1);
      f.restart();
      const auto readable = f.content();
      f.fs.fail_nth(n, code, true);
      f.clk.advance_ms(1000);
      for (int i = 0; i < 50; ++i)
        f.scrub->step().error().ignore();
      struck = f.fs.fault_struck();
      f.fs.clear_faults();
      EXPECT_EQ(f.content(), readable) << n;
      f.fs.crash();
      f.restart();
      ASSERT_EQ(f.content(), readable) << n;
      EXPECT_TRUE(f.fs.exists("data/blocks/" + id) ||
                  f.fs.exists("data/quarantine/" + id + "/meta"))
          << n;
      f.work();
      ASSERT_EQ(f.content(), readable) << n;
      EXPECT_EQ(f.store->blocks().size(), 1u);
      EXPECT_TRUE(f.fs.exists("data/quarantine/" + id + "/meta")) << n;
      EXPECT_EQ(f.store->counts().quarantined, 1u);
    }
  }
}

}  // namespace
}  // namespace troupe::storage
