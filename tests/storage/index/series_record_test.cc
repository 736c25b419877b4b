#include "storage/index/series_record.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

struct record {
  std::vector<symbol_pair> pairs;
  std::vector<chunk_ref> chunks;
  std::string statistics;
};

record random_record(random_source& random, const record& before) {
  record out = before;
  out.pairs.resize(random.below(8), {7, 8});
  for (auto& [name, value] : out.pairs) {
    if (random.below(3) == 0)
      value = static_cast<uint32_t>(random.next() >> (32 + random.below(32)));
    if (random.below(6) == 0)
      name = static_cast<uint32_t>(random.below(100));
  }
  out.chunks.resize(random.below(4));
  for (auto& c : out.chunks) {
    c.min_ts = static_cast<timestamp_ms>(random.next());
    c.max_ts = random.below(3) ? c.min_ts : max_time;
    c.offset = random.next() >> random.below(64);
    c.length = static_cast<uint32_t>(random.next() >> 32);
    c.samples = static_cast<uint32_t>(random.next() >> (32 + random.below(32)));
  }
  out.statistics = std::string(random.below(20), 's');
  return out;
}

TEST(series_record, groups_come_back) {
  seeded_random random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<record> all(random.below(20));
    std::string bytes;
    series_record_state state;
    for (size_t i = 0; i < all.size(); ++i) {
      all[i] = random_record(random, i ? all[i - 1] : record());
      put_series_record(all[i].pairs, all[i].chunks, all[i].statistics, state, bytes);
    }
    byte_reader in(bytes);
    series_record_state back;
    for (const auto& r : all) {
      std::vector<chunk_ref> chunks;
      std::string_view statistics;
      ASSERT_TRUE(read_series_record(in, back, chunks, statistics).ok());
      ASSERT_EQ(back.pairs, r.pairs);
      ASSERT_EQ(chunks, r.chunks);
      ASSERT_EQ(statistics, r.statistics);
    }
    EXPECT_TRUE(in.at_end());
  }
}

TEST(series_record, damage_is_refused_or_read_never_a_crash) {
  seeded_random random(2);
  for (int round = 0; round < 2000; ++round) {
    record r;
    std::string bytes;
    series_record_state state;
    for (int i = 0; i < 3; ++i) {
      r = random_record(random, r);
      put_series_record(r.pairs, r.chunks, r.statistics, state, bytes);
    }
    if (random.below(2))
      bytes.resize(random.below(bytes.size()));
    else
      bytes[random.below(bytes.size())] ^= static_cast<char>(1u << random.below(8));
    const std::vector<char> copy(bytes.begin(), bytes.end());
    byte_reader in({copy.data(), copy.size()});
    series_record_state back;
    std::vector<chunk_ref> chunks;
    std::string_view statistics;
    for (int i = 0; i < 3 && read_series_record(in, back, chunks, statistics).ok(); ++i) {
    }
  }
}

TEST(series_record, a_first_record_has_nothing_to_be_like) {
  for (const char forms : {'\0', '\1', '\3'}) {
    const std::string bytes{'\1', forms, '\0', '\0', '\0'};
    byte_reader in(bytes);
    series_record_state state;
    std::vector<chunk_ref> chunks;
    std::string_view statistics;
    EXPECT_EQ(read_series_record(in, state, chunks, statistics).code(), errc::corruption);
  }
}

}  // namespace
}  // namespace troupe::storage
