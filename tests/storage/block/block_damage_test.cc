// Every byte of every file of a small block, flipped or cut off: the block is refused, or exactly
// what was hit is missing and told, and no value is ever wrong.
#include "tests/storage/block/block_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::block_fixture;
using test::flat;

class block_damage : public ::testing::Test {
 protected:
  block_damage() : f_(11) {
    const auto data = test::random_series(f_.random, {.series = 6, .samples = 25});
    all_ = test::flatten(data);
    meta_ = *f_.write(data);
    const auto block = *f_.open(meta_.id);
    EXPECT_TRUE(block->delete_series(f_.fs, 50'000, 70'000, matchers{}).ok());
    all_ = test::read_all(*block);
    dir_ = "blocks/" + meta_.id + "/";
  }

  // What became of the block; fails the test on a wrong value or a silent loss.
  enum class outcome { refused, lossy, intact };
  outcome judge(const std::string& what) {
    const auto block = f_.open(meta_.id);
    if (!block.ok()) {
      EXPECT_TRUE(block.code() == errc::corruption || block.code() == errc::unsupported) << what;
      return outcome::refused;
    }
    auto met = std::make_shared<read_damage>();
    const flat got = test::read_all(**block, met);
    EXPECT_TRUE(test::is_part_of(got, all_)) << what;
    EXPECT_EQ(got != all_, met->any()) << what;
    EXPECT_EQ((*block)->damage().any(), met->any()) << what;
    EXPECT_LE(met->chunks.load() + met->series.load(), expected_hits_) << what;
    const auto q = (*block)->open_querier(min_time, max_time);
    auto set = *q->select({}, {});
    test::drain(*set);
    EXPECT_EQ(q->warnings().empty(), !met->any()) << what;
    return met->any() ? outcome::lossy : outcome::intact;
  }

  void flip_all(const std::string& file, size_t& refused, size_t& lossy) {
    const auto size = f_.fs.content(dir_ + file).size();
    for (size_t at = 0; at < size; ++at) {
      const auto bit = static_cast<unsigned>(f_.random.below(8));
      f_.fs.flip_bit(dir_ + file, at, bit);
      const auto o = judge(file + " flip " + std::to_string(at));
      EXPECT_NE(o, outcome::intact) << file << " " << at;
      ++(o == outcome::refused ? refused : lossy);
      f_.fs.flip_bit(dir_ + file, at, bit);
    }
    EXPECT_EQ(judge(file), outcome::intact);
  }

  block_fixture f_;
  flat all_;
  block_meta meta_;
  std::string dir_;
  uint64_t expected_hits_ = 1;
};

TEST_F(block_damage, flipped_chunk_bytes_cost_one_chunk) {
  size_t refused = 0, lossy = 0;
  flip_all("chunks", refused, lossy);
  EXPECT_EQ(refused, 0u);
  EXPECT_EQ(lossy, meta_.chunk_bytes);
}

TEST_F(block_damage, flipped_index_bytes_cost_one_group_of_series_or_refuse) {
  expected_hits_ = meta_.series;
  size_t refused = 0, lossy = 0;
  flip_all("index", refused, lossy);
  EXPECT_GT(refused, 0u);
  EXPECT_GT(lossy, 0u);
}

TEST_F(block_damage, flipped_meta_and_tombstones_refuse) {
  size_t refused = 0, lossy = 0;
  flip_all("meta", refused, lossy);
  flip_all("tombstones", refused, lossy);
  EXPECT_EQ(lossy, 0u);
}

TEST_F(block_damage, a_chunk_file_that_fails_while_mapped_gives_nothing_more) {
  auto total = std::make_shared<read_damage>();
  const auto block = *block_reader::open(f_.fs, "blocks/" + meta_.id, total);
  ASSERT_EQ(test::read_all(*block), all_);
  EXPECT_FALSE(block->unreadable());
  f_.fs.fail_mappings(dir_ + "chunks");
  EXPECT_TRUE(block->unreadable());
  auto met = std::make_shared<read_damage>();
  for (const auto& [name, rows] : test::read_all(*block, met))
    EXPECT_TRUE(rows.empty()) << name;
  EXPECT_EQ(met->chunks.load(), meta_.chunks);
  EXPECT_EQ(block->damage().blocks.load(), 1u);
  EXPECT_EQ(total->chunks.load(), meta_.chunks);
  EXPECT_EQ(total->samples.load(), block->damage().samples.load());
  // Files of a block that is opened anew may be well.
  EXPECT_EQ(judge("again"), outcome::intact);
}

TEST_F(block_damage, an_index_that_fails_while_mapped_gives_nothing_more) {
  const auto block = *f_.open(meta_.id);
  const auto q = block->open_querier(min_time, max_time);
  auto open_set = *q->select({}, {});
  ASSERT_TRUE(open_set->next());
  EXPECT_TRUE(q->warnings().empty());
  f_.fs.fail_mappings(dir_ + "index");
  EXPECT_FALSE(open_set->next()) << "its references may be zeros";
  EXPECT_EQ(q->warnings().size(), 1u);
  for (int call = 0; call < 3; ++call) {
    const auto fresh = block->open_querier(min_time, max_time);
    if (call == 0)
      EXPECT_FALSE((*fresh->select({}, {}))->next());
    else if (call == 1)
      EXPECT_TRUE(fresh->label_names({}, 0)->empty());
    else
      EXPECT_TRUE(fresh->label_values("job", {}, 0)->empty());
    EXPECT_EQ(fresh->warnings().size(), 1u) << call;
  }
  EXPECT_EQ(block->delete_series(f_.fs, 0, 1, matchers{}).code(), errc::io_error);
  EXPECT_EQ(block->damage().blocks.load(), 1u);
}

TEST_F(block_damage, every_cut) {
  expected_hits_ = meta_.chunks;
  for (const std::string file : {"chunks", "index", "meta", "tombstones"}) {
    const auto whole = f_.fs.content(dir_ + file);
    for (size_t n = whole.size(); n-- > 0;) {
      f_.fs.cut(dir_ + file, n);
      const auto o = judge(file + " cut " + std::to_string(n));
      EXPECT_EQ(o, file == "chunks" ? outcome::lossy : outcome::refused) << file << " " << n;
    }
    f_.fs.put(dir_ + file, whole);
  }
  EXPECT_EQ(judge("restored"), outcome::intact);
}

TEST_F(block_damage, missing_empty_and_foreign_files_refuse) {
  const auto other = f_.write(test::random_series(f_.random, {.series = 6, .samples = 25}));
  const std::string other_dir = "blocks/" + other->id + "/";
  for (const std::string file : {"chunks", "index", "meta", "tombstones"}) {
    const auto whole = f_.fs.content(dir_ + file);
    ASSERT_TRUE(f_.fs.remove_file(dir_ + file).ok());
    EXPECT_EQ(f_.open(meta_.id).code(), errc::corruption) << file;
    f_.fs.put(dir_ + file, whole + "x");
    expected_hits_ = 0;
    EXPECT_EQ(judge(file + " longer"), file == "chunks" ? outcome::intact : outcome::refused);
    f_.fs.put(dir_ + file, f_.fs.content(other_dir + file));
    expected_hits_ = meta_.chunks;
    EXPECT_EQ(judge(file + " foreign"), file == "chunks" ? outcome::lossy : outcome::refused);
    f_.fs.put(dir_ + file, whole);
  }
}

TEST_F(block_damage, exchanged_chunks_are_noticed) {
  const auto block = *f_.open(meta_.id);
  labels series;
  std::vector<chunk_ref> refs;
  std::map<uint32_t, chunk_ref> by_length;
  auto bytes = f_.fs.content(dir_ + "chunks");
  for (series_ref ref = 0; ref < meta_.series; ++ref) {
    ASSERT_TRUE(block->read_series(ref, series, refs).ok());
    for (const auto& chunk : refs) {
      const auto [at, fresh] = by_length.try_emplace(chunk.length, chunk);
      if (fresh)
        continue;
      for (uint32_t i = 0; i < chunk.length; ++i)
        std::swap(bytes[chunk.offset + i], bytes[at->second.offset + i]);
      f_.fs.put(dir_ + "chunks", bytes);
      expected_hits_ = 2;
      EXPECT_EQ(judge("exchanged"), outcome::lossy);
      return;
    }
  }
  // No two of a size: exchange the first with itself shifted.
  bytes = bytes.substr(1) + bytes.substr(0, 1);
  f_.fs.put(dir_ + "chunks", bytes);
  expected_hits_ = meta_.chunks;
  EXPECT_EQ(judge("shifted"), outcome::lossy);
}

TEST_F(block_damage, damage_counts_the_samples_that_are_gone) {
  f_.fs.flip_bit(dir_ + "chunks", meta_.chunk_bytes / 2, 3);
  const auto block = *f_.open(meta_.id);
  auto met = std::make_shared<read_damage>();
  const auto got = test::read_all(*block, met);
  EXPECT_EQ(met->chunks.load(), 1u);
  // Deleted samples of that chunk are not missed.
  EXPECT_GE(met->samples.load(), test::count_samples(all_) - test::count_samples(got));
  test::read_all(*block, met);
  EXPECT_EQ(block->damage().chunks.load(), 1u) << "the same place counts once";
}

}  // namespace
}  // namespace troupe::storage
