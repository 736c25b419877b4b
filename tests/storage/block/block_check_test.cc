// The check of a block: nothing to say of a healthy one, whatever the size of its steps, and a
// word on every damaged byte that a reader can be opened over.
#include "storage/block/block_check.h"

#include "storage/base/coding.h"
#include "storage/block/block_layout.h"
#include "storage/index/index_layout.h"
#include "storage/index/index_writer.h"
#include "tests/storage/block/block_fixture.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

namespace troupe::storage {
namespace {

using test::block_fixture;

class block_check_test : public ::testing::Test {
 protected:
  block_check_test() : f_(23) {
    meta_ = *f_.write(test::random_series(f_.random, {.series = 8, .samples = 60}));
    const auto block = *f_.open(meta_.id);
    EXPECT_TRUE(block->delete_series(f_.fs, 50'000, 70'000, matchers{}).ok());
    dir_ = "blocks/" + meta_.id + "/";
  }

  std::vector<damaged_place> check(uint64_t budget = 1 << 20) {
    auto block = f_.open(meta_.id);
    EXPECT_TRUE(block.ok()) << block.error().message();
    block_check c(*block);
    while (!c.step(budget)) {
    }
    EXPECT_EQ(c.damages(), c.places().size());
    return c.places();
  }

  /// The block's meta with a change, its checksum right.
  void rewrite_meta(const block_meta& m) { f_.fs.put(dir_ + "meta", encode_meta(m)); }

  block_fixture f_;
  block_meta meta_;
  std::string dir_;
};

TEST_F(block_check_test, healthy_block_gives_nothing_in_bounded_steps) {
  auto block = *f_.open(meta_.id);
  block_check c(block);
  size_t steps = 0;
  uint64_t most = 0;
  for (uint64_t before = 0; !c.step(1); ++steps) {
    if (steps > 0)
      most = std::max(most, c.bytes_done() - before);
    before = c.bytes_done();
  }
  EXPECT_TRUE(c.places().empty());
  EXPECT_GT(steps, meta_.chunks);
  EXPECT_LT(most, meta_.chunk_bytes / 4);
  EXPECT_GE(c.bytes_done(), block->bytes());
  EXPECT_TRUE(check().empty());
}

TEST_F(block_check_test, each_flipped_byte_of_chunks_is_named) {
  for (uint64_t at = 0; at < meta_.chunk_bytes; at += 3) {
    f_.fs.flip_bit(dir_ + "chunks", at, at % 8);
    const auto places = check();
    f_.fs.flip_bit(dir_ + "chunks", at, at % 8);
    ASSERT_EQ(places.size(), 1u) << at;
    EXPECT_EQ(places[0].file, dir_ + "chunks");
    EXPECT_LE(places[0].offset, at);
    EXPECT_LT(at, places[0].offset + places[0].bytes);
  }
}

TEST_F(block_check_test, each_flipped_byte_of_the_index_is_refused_or_named) {
  const size_t size = f_.fs.content(dir_ + "index").size();
  size_t named = 0;
  for (uint64_t at = 0; at < size; at += 3) {
    f_.fs.flip_bit(dir_ + "index", at, at % 8);
    if (f_.open(meta_.id).ok()) {
      const auto places = check();
      ++named;
      ASSERT_FALSE(places.empty()) << at;
      EXPECT_EQ(places[0].file, dir_ + "index");
      EXPECT_LE(places[0].offset, at);
    }
    f_.fs.flip_bit(dir_ + "index", at, at % 8);
  }
  EXPECT_GT(named, 0u);
}

TEST_F(block_check_test, mapping_that_fails_ends_the_check) {
  auto block = *f_.open(meta_.id);
  block_check c(block);
  EXPECT_FALSE(c.step(1));
  f_.fs.fail_mappings(dir_ + "chunks");
  EXPECT_TRUE(c.step(1 << 20));
  ASSERT_EQ(c.places().size(), 1u);
  EXPECT_EQ(c.places()[0].reason, "its files cannot be read any more");
}

TEST_F(block_check_test, cut_chunk_file_costs_what_is_cut) {
  f_.fs.cut(dir_ + "chunks", meta_.chunk_bytes - 1);
  const auto places = check();
  ASSERT_EQ(places.size(), 2u);
  EXPECT_EQ(places[0].offset, meta_.chunk_bytes - 1);
  EXPECT_EQ(places[1].offset + places[1].bytes, meta_.chunk_bytes);
}

TEST_F(block_check_test, totals_of_meta_are_held_against_the_block) {
  block_meta wrong = meta_;
  ++wrong.chunks;
  ++wrong.samples;
  ++wrong.histograms;
  rewrite_meta(wrong);
  const auto places = check();
  ASSERT_EQ(places.size(), 3u);
  EXPECT_EQ(places[0].reason,
            fmt::format("says {} chunks, the block has {}", wrong.chunks, meta_.chunks));
  EXPECT_EQ(places[2].file, dir_ + "meta");
}

TEST_F(block_check_test, samples_outside_of_the_blocks_time_are_named) {
  block_meta wrong = meta_;
  wrong.max_time = 100'000;
  rewrite_meta(wrong);
  const auto places = check();
  ASSERT_GE(places.size(), meta_.series);
  EXPECT_NE(places[0].reason.find("outside of the block's time"), std::string::npos);
}

TEST_F(block_check_test, tombstones_of_other_or_no_series_are_named) {
  tombstone_set set = *(*f_.open(meta_.id))->tombstones();
  ++set.series[0].labels_hash;
  set.series[500].intervals = {{1, 2}};
  f_.fs.put(dir_ + "tombstones", encode_tombstones(set, block_seed(meta_.id)));
  const auto places = check();
  ASSERT_EQ(places.size(), 2u);
  EXPECT_EQ(places[0].file, dir_ + "tombstones");
  EXPECT_NE(places[0].reason.find("series 500"), std::string::npos);
  EXPECT_NE(places[1].reason.find("series 0"), std::string::npos);
}

TEST_F(block_check_test, index_that_says_other_than_its_chunks_is_named) {
  // The same chunks under an index whose references are all a little wrong; checksums hold.
  auto block = *f_.open(meta_.id);
  index_writer index(*f_.fs.create("index"), block_seed(meta_.id));
  labels series;
  std::vector<chunk_ref> chunks;
  for (series_ref ref = 0; ref < meta_.series; ++ref) {
    ASSERT_TRUE(block->read_series(ref, series, chunks).ok());
    ++chunks[0].samples;
    ASSERT_TRUE(index.add(series, chunks).ok());
  }
  ASSERT_TRUE(index.finish().ok());
  block_meta meta = meta_;
  meta.index_bytes = f_.fs.content("index").size();
  f_.fs.put(dir_ + "index", f_.fs.content("index"));
  rewrite_meta(meta);
  const auto places = check();
  ASSERT_EQ(places.size(), meta_.series);
  EXPECT_NE(places[0].reason.find("the index says"), std::string::npos);
}

TEST_F(block_check_test, postings_that_are_not_those_of_the_series_are_named) {
  // The last reference of the last list moves by one; all checksums are made right again.
  std::string index = f_.fs.content(dir_ + "index");
  const uint32_t seed = block_seed(meta_.id);
  const size_t toc_at = index.size() - index_layout::footer_bytes;
  const size_t entry = toc_at + index_layout::table_postings * index_layout::toc_entry_bytes;
  byte_reader in(std::string_view(index).substr(entry));
  const auto offset = static_cast<size_t>(in.u64()), length = static_cast<size_t>(in.u64());
  index[offset + length - 1] ^= 1;
  const auto put = [&](size_t at, size_t from, size_t bytes, uint32_t which) {
    const uint32_t crc =
        index_layout::checksum(std::string_view(index).substr(from, bytes), seed, which);
    std::memcpy(index.data() + at, &crc, sizeof(crc));
  };
  put(entry + 16, offset, length, index_layout::table_postings);
  put(toc_at + index_layout::toc_bytes, toc_at, index_layout::toc_bytes, index_layout::table_count);
  f_.fs.put(dir_ + "index", index);
  const auto places = check();
  ASSERT_EQ(places.size(), 1u);
  EXPECT_EQ(places[0].file, dir_ + "index");
  EXPECT_NE(places[0].reason.find("label value"), std::string::npos);
}

}  // namespace
}  // namespace troupe::storage
