#include "storage/base/hash.h"
#include "storage/block/block_meta.h"
#include "storage/block/tombstones.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <set>

namespace troupe::storage {
namespace {

block_meta sample_meta() {
  manual_clock clk;
  seeded_random random(1);
  block_meta m;
  m.id = make_block_id(clk, random);
  m.tenant = "a b/\xc3\xa9\n%";
  m.min_time = -5;
  m.max_time = 77;
  m.series = 3;
  m.chunks = 4;
  m.samples = 500;
  m.histograms = 6;
  m.chunk_bytes = 1ULL << 40;
  m.index_bytes = 99;
  m.level = 2;
  m.sources = {make_block_id(clk, random), make_block_id(clk, random)};
  m.parents = {make_block_id(clk, random)};
  return m;
}

TEST(block_id, is_a_sortable_unique_name) {
  manual_clock clk(1'700'000'000'000);
  seeded_random random(1);
  std::set<std::string> ids;
  std::string before;
  for (int i = 0; i < 1000; ++i) {
    const auto id = make_block_id(clk, random);
    EXPECT_TRUE(is_block_id(id)) << id;
    EXPECT_TRUE(ids.insert(id).second);
    EXPECT_LT(before.substr(0, 10), id.substr(0, 10));
    before = id;
    clk.advance_ms(1);
  }
  EXPECT_EQ(before.substr(0, 10), "01HF7YATZ7");
  EXPECT_FALSE(is_block_id("01HF7YATZ701HF7YATZ7012345.tmp"));
  EXPECT_FALSE(is_block_id("../../../../../../../../aa"));
  EXPECT_FALSE(is_block_id(""));
}

void expect_back_and_damage_noticed(const block_meta& m) {
  const auto text = encode_meta(m);
  const auto back = decode_meta(text);
  ASSERT_TRUE(back.ok()) << back.error().to_string();
  EXPECT_EQ(*back, m);
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_FALSE(decode_meta(text.substr(0, i)).ok());
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto bad = text;
      bad[i] ^= static_cast<char>(1u << bit);
      EXPECT_FALSE(decode_meta(bad).ok()) << i;
    }
  }
}

TEST(block_meta, comes_back_and_every_damaged_byte_is_noticed) {
  block_meta m = sample_meta();
  expect_back_and_damage_noticed(m);
  m.linked_chunks = 3;
  expect_back_and_damage_noticed(m);
}

TEST(block_meta, later_version_is_unsupported_not_damaged) {
  // A correct checksum over text of another version.
  const std::string text = "troupe block 3\nanything at all\n";
  char line[32];
  std::snprintf(line, sizeof line, "crc %08x\n", crc32c(text));
  EXPECT_EQ(decode_meta(text + line).code(), errc::unsupported);
  EXPECT_EQ(decode_meta(text).code(), errc::corruption);
}

TEST(tombstones, come_back_and_every_damaged_byte_is_noticed) {
  tombstone_set set;
  set.series[0] = {7, {{min_time, -9}, {5, 5}}};
  set.series[40'000] = {UINT64_MAX, {{1, max_time}}};
  const auto bytes = encode_tombstones(set, 3);
  const auto back = decode_tombstones(bytes, 3);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(*back, set);
  EXPECT_EQ(decode_tombstones(bytes, 4).code(), errc::corruption);
  EXPECT_TRUE(decode_tombstones(encode_tombstones({}, 3), 3)->series.empty());
  for (size_t i = 0; i < bytes.size(); ++i) {
    EXPECT_FALSE(decode_tombstones(std::string_view(bytes).substr(0, i), 3).ok());
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto bad = bytes;
      bad[i] ^= static_cast<char>(1u << bit);
      EXPECT_EQ(decode_tombstones(bad, 3).code(), errc::corruption) << i;
    }
  }
}

}  // namespace
}  // namespace troupe::storage
