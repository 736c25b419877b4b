#include "storage/wal/section.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <cmath>

namespace troupe::storage {
namespace {

std::string index_set(const std::vector<uint32_t>& indices) {
  std::string out;
  put_index_set(indices, out);
  return out;
}

TEST(section, index_sets_take_their_smallest_form_and_come_back) {
  std::vector<uint32_t> all(1000), sparse, dense, repeats = {5, 5, 5, 0, 900'000, 3};
  for (uint32_t i = 0; i < 1000; ++i) {
    all[i] = i;
    if (i % 3)
      dense.push_back(i);
    if (i % 100 == 7)
      sparse.push_back(i);
  }
  EXPECT_EQ(index_set(all).size(), 3u);
  EXPECT_LE(index_set(dense).size(), 130u);
  EXPECT_LE(index_set(sparse).size(), 24u);
  for (const auto& want : {all, sparse, dense, repeats, std::vector<uint32_t>{}}) {
    std::string bytes = index_set(want) + std::string(want.size() / 8 + 1, '\0');
    byte_reader in(bytes);
    std::vector<uint32_t> back;
    ASSERT_TRUE(read_index_set(in, back));
    EXPECT_EQ(back, want);
  }
}

TEST(section, an_index_set_cannot_claim_more_than_its_bytes_carry) {
  std::vector<uint32_t> back;
  for (uint8_t form : {0, 1, 2, 3}) {
    std::string bytes;
    put_varint(bytes, 1u << 30);
    put_u8(bytes, form);
    put_varint(bytes, 1u << 30);
    byte_reader in(bytes);
    EXPECT_FALSE(read_index_set(in, back));
  }
}

TEST(section, value_columns_come_back) {
  seeded_random random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<uint64_t> want(random.below(70));
    for (auto& x : want) {
      x = random.below(3) ? random.next() : 0;
      x = x >> random.below(64) << random.below(64);
    }
    std::string bytes;
    put_value_column(want, bytes);
    byte_reader in(bytes);
    std::vector<uint64_t> back;
    ASSERT_TRUE(read_value_column(in, want.size(), back));
    EXPECT_TRUE(in.at_end());
    EXPECT_EQ(back, want);
    for (size_t n = 0; n < bytes.size(); ++n) {
      byte_reader cut(std::string_view(bytes).substr(0, n));
      EXPECT_FALSE(read_value_column(cut, want.size(), back));
    }
  }
}

TEST(section, an_unchanged_scrape_costs_a_bit_per_sample) {
  float_columns c;
  for (uint32_t i = 0; i < 1000; ++i) {
    c.index.push_back(i);
    c.ts.push_back(123'456);
    c.stale.push_back(0);
    c.xors.push_back(0);
  }
  std::string bytes;
  put_floats(c, 123'456, bytes);
  EXPECT_LE(bytes.size(), 132u);
}

TEST(section, floats_with_own_times_and_stale_bits_come_back_and_cuts_are_refused) {
  seeded_random random(2);
  for (int round = 0; round < 100; ++round) {
    float_columns c;
    for (uint64_t n = 1 + random.below(20); n > 0; --n) {
      c.index.push_back(static_cast<uint32_t>(random.below(50)));
      c.ts.push_back(round % 2 ? 500 : static_cast<int64_t>(random.next()));
      c.stale.push_back(random.below(4) == 0);
      c.xors.push_back(c.stale.back() ? 0 : random.next() >> random.below(64));
    }
    std::string bytes;
    put_floats(c, 77, bytes);
    float_columns back;
    ASSERT_TRUE(read_floats(bytes, 77, back));
    EXPECT_EQ(back.index, c.index);
    EXPECT_EQ(back.ts, c.ts);
    EXPECT_EQ(back.stale, c.stale);
    EXPECT_EQ(back.xors, c.xors);
    for (size_t n = 0; n < bytes.size(); ++n)
      EXPECT_FALSE(read_floats(std::string_view(bytes).substr(0, n), 77, back)) << n;
    EXPECT_FALSE(read_floats(bytes + "x", 77, back));
  }
}

TEST(section, unknown_parts_are_skipped_and_doubled_ones_refused) {
  section s;
  s.has_group = true;
  s.key = true;
  s.group_number = 300;
  s.number = 70'000;
  std::string bytes;
  put_section_head(s, bytes);
  put_part(static_cast<part_kind>(77), "from the future", bytes);
  put_part(part_kind::metadata, "m", bytes);
  section back;
  ASSERT_TRUE(read_section(bytes, back));
  EXPECT_TRUE(back.key);
  EXPECT_FALSE(back.closes);
  EXPECT_EQ(back.group_number, 300u);
  EXPECT_EQ(back.number, 70'000u);
  EXPECT_EQ(back.part(part_kind::metadata), "m");
  EXPECT_FALSE(read_section(bytes.substr(0, bytes.size() - 1), back));
  put_part(part_kind::metadata, "m", bytes);
  EXPECT_FALSE(read_section(bytes, back));
  EXPECT_FALSE(read_section("", back));
  EXPECT_FALSE(read_section("\x02", back)) << "a key frame without a group";
}

TEST(section, dictionaries_refuse_bad_label_sets) {
  std::string bytes;
  labels series[] = {labels::from({{"a", "b"}, {"c", "d"}}), labels()};
  put_dictionary(5, 3, series, bytes);
  dictionary_part back;
  ASSERT_TRUE(read_dictionary(bytes, back));
  EXPECT_EQ(back.group, 5u);
  EXPECT_EQ(back.first, 3u);
  EXPECT_EQ(back.series, std::vector<labels>(std::begin(series), std::end(series)));
  std::string unsorted;
  put_bytes(unsorted, "z");
  put_bytes(unsorted, "1");
  put_bytes(unsorted, "a");
  put_bytes(unsorted, "1");
  std::string bad;
  put_u64(bad, 5);
  put_varint(bad, 0);
  put_varint(bad, 1);
  put_bytes(bad, unsorted);
  EXPECT_FALSE(read_dictionary(bad, back));
  std::string many;
  put_u64(many, 5);
  put_varint(many, 0);
  put_varint(many, 1u << 30);
  EXPECT_FALSE(read_dictionary(many, back));
}

}  // namespace
}  // namespace troupe::storage
