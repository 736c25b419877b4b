#include "storage/chunk/chunk.h"

#include "storage/base/coding.h"
#include "tests/storage/block/series_data.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::flat;

flat flat_of(const sample_columns& c) {
  flat out;
  test::flatten("s", c, out);
  return out;
}

// A random run of floats: gaps, jitter, duplicates of nothing, any value.
sample_columns random_floats(random_source& random, size_t n) {
  sample_columns c;
  const auto profile = static_cast<unsigned>(random.below(7));
  const auto times = random.below(4);
  const bool starts = random.below(3) == 0;
  timestamp_ms ts = static_cast<timestamp_ms>(random.next() >> 20) - (1LL << 43);
  double v = static_cast<double>(random.below(1u << 20));
  for (size_t i = 0; i < n; ++i) {
    ts += times == 0   ? 15'000
          : times == 1 ? 15'000 + static_cast<int64_t>(random.below(7))
          : times == 2 ? 1 + static_cast<int64_t>(random.next() >> 30)
                       : (random.below(20) ? 15'000 : 600'000);
    v = test::random_value(random, profile, v);
    append_float(c, ts, v, starts && random.below(4) ? ts - ts % 100'000 : 0);
  }
  return c;
}

TEST(chunk, every_profile_comes_back_bit_by_bit) {
  seeded_random random(1);
  for (int round = 0; round < 3000; ++round) {
    const auto in = random_floats(random, 1 + random.below(round % 10 ? 130 : 2000));
    const auto tier = round % 2 ? storage_tier::cold : storage_tier::hot;
    const auto bytes = encode_chunk(in.ts, in.values, in.start_ts, tier);
    sample_columns out;
    ASSERT_TRUE(decode_chunk(bytes, min_time, max_time, out).ok());
    ASSERT_EQ(flat_of(in), flat_of(out)) << round;
    const auto summary = summarize_chunk(bytes);
    ASSERT_TRUE(summary.ok());
    EXPECT_EQ(summary->min_ts, in.ts.front());
    EXPECT_EQ(summary->max_ts, in.ts.back());
    EXPECT_EQ(summary->samples, in.ts.size());
    EXPECT_FALSE(summary->histograms);
  }
}

TEST(chunk, extreme_timestamps) {
  const std::vector<timestamp_ms> ts{min_time, min_time + 1, -1, 0, 1, max_time - 1, max_time};
  const std::vector<double> values(ts.size(), 1.5);
  sample_columns out;
  ASSERT_TRUE(decode_chunk(encode_chunk(ts, values), min_time, max_time, out).ok());
  EXPECT_EQ(out.ts, ts);
  EXPECT_EQ(out.values, values);
}

TEST(chunk, window_is_closed_on_both_sides_and_appends) {
  seeded_random random(2);
  for (int round = 0; round < 500; ++round) {
    const auto in = random_floats(random, 50);
    const auto bytes = encode_chunk(in.ts, in.values, in.start_ts);
    const timestamp_ms mint = in.ts[random.below(50)] + static_cast<int64_t>(random.below(3)) - 1;
    const timestamp_ms maxt = in.ts[random.below(50)] + static_cast<int64_t>(random.below(3)) - 1;
    sample_columns out;
    append_float(out, min_time, 7, round % 2 ? 5 : 0);
    const auto before = flat_of(out);
    ASSERT_TRUE(decode_chunk(bytes, mint, maxt, out).ok());
    ASSERT_TRUE(out.start_ts.empty() || out.start_ts.size() == out.ts.size());
    flat expected = before;
    const auto all = flat_of(in);
    for (const auto& [ts, value] : all.at("s"))
      if (ts >= mint && ts <= maxt)
        expected["s"][ts] = value;
    ASSERT_EQ(flat_of(out), expected);
  }
}

TEST(chunk, histograms_come_back) {
  seeded_random random(3);
  for (int round = 0; round < 200; ++round) {
    sample_columns in, out;
    timestamp_ms ts = 1000;
    for (size_t i = 0, n = random.below(100); i <= n; ++i) {
      ts += 1 + static_cast<int64_t>(random.below(20'000));
      in.histograms.push_back({ts, round % 2 ? ts - 1 : 0, test::random_histogram(random)});
    }
    const auto bytes = encode_histogram_chunk(in.histograms);
    ASSERT_TRUE(decode_chunk(bytes, min_time, max_time, out).ok());
    ASSERT_EQ(flat_of(in), flat_of(out));
    ASSERT_TRUE(summarize_chunk(bytes)->histograms);
    sample_columns some;
    ASSERT_TRUE(decode_chunk(bytes, ts, max_time, some).ok());
    EXPECT_EQ(some.histograms.size(), 1u);
  }
}

TEST(chunk, sizes_of_common_shapes) {
  std::vector<timestamp_ms> ts;
  std::vector<double> constant, counter;
  for (int i = 0; i < 120; ++i) {
    ts.push_back(1'700'000'000'000 + i * 15'000);
    constant.push_back(0.25);
    counter.push_back(1000 + i * 3 + i % 2);
  }
  EXPECT_LE(encode_chunk(ts, constant).size(), 24u);
  // Differences of 2 and 4 in turn: two bits.
  EXPECT_LE(encode_chunk(ts, counter).size(), 120u / 4 + 20u);
}

TEST(chunk, jitter_costs_half_a_byte_a_timestamp) {
  seeded_random random(5);
  std::vector<timestamp_ms> ts;
  for (int i = 0; i < 480; ++i)
    ts.push_back(1'700'000'000'000 + i * 15'000 + static_cast<int64_t>(random.below(5)));
  const std::vector<double> values(ts.size(), 1);
  const auto bytes = encode_chunk(ts, values);
  EXPECT_LE(bytes.size(), 480u / 2 + 30u);
  sample_columns out;
  ASSERT_TRUE(decode_chunk(bytes, ts[100], ts[299], out).ok());
  EXPECT_EQ(out.ts, std::vector(ts.begin() + 100, ts.begin() + 300));
}

TEST(chunk, packed_times_must_increase) {
  const auto chunk = [](uint8_t head, uint8_t form, int64_t slope) {
    std::string bytes;
    put_u8(bytes, head);
    put_varint(bytes, 3);
    put_u8(bytes, form);
    put_svarint(bytes, 1000);
    put_svarint(bytes, slope);
    put_u8(bytes, 0);  // a block of no bits
    put_u64(bytes, 0);
    sample_columns out;
    return decode_chunk(bytes, min_time, max_time, out).ok();
  };
  constexpr uint8_t constant_values = 0, runs = 0x20, packed = 0x40, sloped = 2 << 5;
  EXPECT_TRUE(chunk(packed | constant_values, sloped, 1));
  EXPECT_FALSE(chunk(packed | constant_values, sloped, 0));
  EXPECT_FALSE(chunk(packed | constant_values, sloped, -1));
  EXPECT_FALSE(chunk(packed | constant_values, sloped | 1, 1));  // times have no scale
  EXPECT_FALSE(chunk(packed | runs | constant_values, sloped, 1));
}

TEST(chunk, damage_is_an_error_or_a_chunk_never_a_crash) {
  seeded_random random(4);
  for (int round = 0; round < 400; ++round) {
    const auto in = random_floats(random, 1 + random.below(40));
    std::string bytes = encode_chunk(in.ts, in.values, in.start_ts);
    if (round % 4 == 0) {
      sample_columns h;
      for (int i = 0; i < 5; ++i)
        h.histograms.push_back({i * 10, 0, test::random_histogram(random)});
      bytes = encode_histogram_chunk(h.histograms);
    }
    for (size_t n = 0; n < bytes.size(); ++n) {
      sample_columns out;
      append_float(out, 1, 1);
      EXPECT_FALSE(decode_chunk(bytes.substr(0, n), min_time, max_time, out).ok()) << n;
      EXPECT_EQ(out.ts.size(), 1u);
      EXPECT_EQ(out.values.size(), 1u);
      EXPECT_TRUE(out.start_ts.empty() && out.histograms.empty());
    }
    for (int flips = 0; flips < 50; ++flips) {
      std::string bad = bytes;
      bad[random.below(bad.size())] ^= static_cast<char>(1u << random.below(8));
      sample_columns out;
      decode_chunk(bad, min_time, max_time, out).ignore();
      ASSERT_EQ(out.ts.size(), out.values.size());
      ASSERT_TRUE(std::is_sorted(out.ts.begin(), out.ts.end()));
    }
  }
}

TEST(chunk, lying_counts_allocate_nothing) {
  std::string bytes;
  put_u8(bytes, 5);
  put_varint(bytes, 1);
  put_svarint(bytes, 0);
  put_varint(bytes, 1ULL << 40);  // histogram bytes
  sample_columns out;
  EXPECT_EQ(decode_chunk(bytes, min_time, max_time, out).code(), errc::corruption);
  bytes.clear();
  put_u8(bytes, 0);
  put_varint(bytes, max_chunk_samples + 1);
  EXPECT_EQ(decode_chunk(bytes, min_time, max_time, out).code(), errc::corruption);
  EXPECT_EQ(decode_chunk("", min_time, max_time, out).code(), errc::corruption);
  EXPECT_EQ(out.ts.capacity(), 0u);
}

}  // namespace
}  // namespace troupe::storage
