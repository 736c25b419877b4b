// Chunks of Prometheus there and back: every bit of every sample, and damaged bytes never crash.
#include "storage/tsdb/chunk_codec.h"

#include "storage/tsdb/bit_stream.h"
#include "tests/storage/block/series_data.h"

#include <gtest/gtest.h>

namespace troupe::storage::tsdb {
namespace {

sample_columns decoded(const encoded& e) {
  sample_columns out;
  const status s = decode_chunk(static_cast<uint8_t>(e.how), e.data, out);
  EXPECT_TRUE(s.ok()) << s.message();
  return out;
}

// All chunks of the columns, decoded again.
sample_columns round_trip(const sample_columns& in) {
  sample_columns out;
  for (size_t i = 0; i < in.ts.size();) {
    const auto e = encode_floats(std::span(in.ts).subspan(i), std::span(in.values).subspan(i));
    EXPECT_TRUE(decode_chunk(static_cast<uint8_t>(e.how), e.data, out).ok());
    i += e.samples;
  }
  for (size_t i = 0; i < in.histograms.size();) {
    const auto e = encode_histograms(std::span(in.histograms).subspan(i));
    EXPECT_TRUE(decode_chunk(static_cast<uint8_t>(e.how), e.data, out).ok());
    i += e.samples;
  }
  return out;
}

histogram counter(std::vector<double> buckets, counter_reset_hint hint) {
  histogram h;
  h.hint = hint;
  h.positive_spans = {{-2, 1}, {3, static_cast<uint32_t>(buckets.size() - 1)}};
  for (const double b : buckets)
    h.count += b;
  h.sum = h.count * 1.5;
  h.positive_buckets = std::move(buckets);
  return h;
}

sample_columns::histogram_row row(timestamp_ms ts, histogram h) {
  return {ts, no_start_timestamp, std::make_shared<const histogram>(std::move(h))};
}

TEST(tsdb_bits, numbers_come_back_at_every_width_and_edge) {
  std::vector<int64_t> numbers{0, INT64_MIN, INT64_MAX};
  for (int shift = 0; shift < 63; ++shift)
    for (const int64_t d : {-1, 0, 1, 2}) {
      numbers.push_back((int64_t{1} << shift) + d);
      numbers.push_back(-(int64_t{1} << shift) + d);
    }
  bit_writer out;
  out.bits(1, 3);  // not at a byte
  for (const int64_t v : numbers) {
    out.varbit_int(v);
    out.varbit_uint(static_cast<uint64_t>(v));
    out.varbit_time(v);
    out.varint(v);
    out.uvarint(static_cast<uint64_t>(v));
  }
  bit_reader in(out.bytes());
  EXPECT_EQ(in.bits(3), 1u);
  for (const int64_t v : numbers) {
    EXPECT_EQ(in.varbit_int(), v);
    EXPECT_EQ(in.varbit_uint(), static_cast<uint64_t>(v));
    EXPECT_EQ(in.varbit_time(), v);
    EXPECT_EQ(in.varint(), v);
    EXPECT_EQ(in.uvarint(), static_cast<uint64_t>(v));
  }
  EXPECT_FALSE(in.failed());
  EXPECT_LT(in.remaining(), 8u);
  in.bits(8);
  EXPECT_TRUE(in.failed());
}

TEST(tsdb_bits, widths_are_those_of_the_format) {
  const auto width = [](int64_t v) {
    bit_writer out;
    out.varbit_int(v);
    bit_reader in(out.bytes());
    in.varbit_int();
    return out.bytes().size() * 8 - in.remaining();
  };
  EXPECT_EQ(width(0), 1u);
  EXPECT_EQ(width(4), 5u);
  EXPECT_EQ(width(-4), 9u);  // 3 bits hold -3 to 4
  EXPECT_EQ(width(32), 9u);
  EXPECT_EQ(width(256), 13u);
  EXPECT_EQ(width(2048), 17u);
  EXPECT_EQ(width(131'072), 24u);
  EXPECT_EQ(width(16'777'216), 32u);
  EXPECT_EQ(width(int64_t{1} << 55), 64u);
  EXPECT_EQ(width((int64_t{1} << 55) + 1), 72u);
}

TEST(tsdb_chunk, floats_keep_every_bit) {
  seeded_random random(3);
  for (int round = 0; round < 300; ++round) {
    sample_columns in;
    timestamp_ms ts = round % 3 ? 1'700'000'000'000 : -50'000;
    double value = 5;
    for (size_t n = 1 + random.below(300); n > 0; --n) {
      const auto step = random.below(5) ? 15'000 : 1 + random.below(uint64_t{1} << (round % 40));
      ts += static_cast<timestamp_ms>(step);
      value = test::random_value(random, static_cast<unsigned>(round), value);
      append_float(in, ts, value);
    }
    test::flat want, got;
    test::flatten("s", in, want);
    test::flatten("s", round_trip(in), got);
    ASSERT_EQ(got, want) << round;
  }
}

TEST(tsdb_chunk, first_and_last_times_there_are) {
  const std::vector<timestamp_ms> ts{min_time, -1, 0, max_time};
  const std::vector<double> values{1, -0.0, stale_nan(), 4};
  const auto out = decoded(encode_floats(ts, values));
  EXPECT_EQ(out.ts, ts);
  EXPECT_TRUE(is_stale(out.values[2]));
}

TEST(tsdb_chunk, chunk_of_the_documentations_layout) {
  // One sample: count, time as varint, value; then a second one 15 s later with the same value.
  const std::string one("\x00\x01\xd0\x0f\x3f\xf0\x00\x00\x00\x00\x00\x00", 12);
  EXPECT_EQ(encode_floats(std::vector<timestamp_ms>{1000}, std::vector<double>{1}).data, one);
  const std::string two("\x00\x02\xd0\x0f\x3f\xf0\x00\x00\x00\x00\x00\x00\x98\x75\x00", 15);
  EXPECT_EQ(encode_floats(std::vector<timestamp_ms>{1000, 16'000}, std::vector<double>{1, 1}).data,
            two);
}

TEST(tsdb_chunk, histograms_come_back) {
  seeded_random random(4);
  for (int round = 0; round < 200; ++round) {
    sample_columns in;
    timestamp_ms ts = 1000;
    for (size_t n = 1 + random.below(200); n > 0; --n) {
      histogram h = *test::random_histogram(random);
      h.is_float = round % 2 == 1;
      h.hint = counter_reset_hint::gauge;
      if (h.is_float)
        h.zero_count = random.unit();
      if (round % 5 == 0) {
        h.schema = histogram::custom_schema;
        h.custom_bounds = {0.005, 1, 2.5, random.unit(), -0.0, 40'000'000.5};
      }
      h.zero_threshold = round % 3 ? 1.0 / (1 << (round % 20)) : random.unit();
      ts += 1 + static_cast<timestamp_ms>(random.below(100'000));
      if (h.is_stale()) {
        histogram stale;
        stale.is_float = h.is_float;
        stale.sum = h.sum;
        h = stale;
      }
      in.histograms.push_back(row(ts, h));
    }
    test::flat want, got;
    test::flatten("s", in, want);
    test::flatten("s", round_trip(in), got);
    ASSERT_EQ(got, want) << round;
  }
}

TEST(tsdb_chunk, counters_share_a_chunk_until_one_goes_back) {
  std::vector<sample_columns::histogram_row> rows;
  rows.push_back(row(1, counter({1, 2, 3}, counter_reset_hint::unknown)));
  rows.push_back(row(2, counter({1, 3, 3}, counter_reset_hint::unknown)));
  rows.push_back(row(3, counter({2, 3, 4}, counter_reset_hint::not_reset)));
  rows.push_back(row(4, counter({2, 2, 9}, counter_reset_hint::reset)));
  const auto e = encode_histograms(rows);
  EXPECT_EQ(e.samples, 3u);
  const auto out = decoded(e);
  EXPECT_EQ(out.histograms[0].value->hint, counter_reset_hint::unknown);
  EXPECT_EQ(out.histograms[1].value->hint, counter_reset_hint::not_reset);
  EXPECT_EQ(out.histograms[2].value->positive_buckets, (std::vector<double>{2, 3, 4}));
  const auto next = decoded(encode_histograms(std::span(rows).subspan(3)));
  EXPECT_EQ(next.histograms[0].value->hint, counter_reset_hint::reset);
}

TEST(tsdb_chunk, stale_marker_ends_what_a_chunk_can_hold_live) {
  histogram stale;
  stale.sum = stale_nan();
  std::vector<sample_columns::histogram_row> rows{
      row(1, counter({1, 2}, counter_reset_hint::unknown)), row(2, stale), row(3, stale),
      row(4, counter({5, 6}, counter_reset_hint::unknown))};
  const auto e = encode_histograms(rows);
  EXPECT_EQ(e.samples, 3u);
  const auto out = decoded(e);
  EXPECT_TRUE(out.histograms[2].value->is_stale());
  EXPECT_TRUE(out.histograms[2].value->positive_buckets.empty());
  // And one in front.
  EXPECT_TRUE(
      decoded(encode_histograms(std::span(rows).subspan(1))).histograms[0].value->is_stale());
}

TEST(tsdb_chunk, integer_histogram_with_counts_that_are_none_goes_as_floats) {
  const auto e =
      encode_histograms(std::vector{row(1, counter({1.5, 2}, counter_reset_hint::gauge)),
                                    row(2, counter({1e300, 2}, counter_reset_hint::gauge))});
  EXPECT_EQ(e.how, encoding::float_histogram);
  EXPECT_EQ(decoded(e).histograms[1].value->positive_buckets[0], 1e300);
}

TEST(tsdb_chunk, unknown_encodings_and_schemas_are_unsupported) {
  sample_columns out;
  EXPECT_EQ(decode_chunk(0, "abc", out).code(), errc::unsupported);
  EXPECT_EQ(decode_chunk(4, "abc", out).code(), errc::unsupported);
  histogram h;
  h.schema = 9;
  const auto e = encode_histograms(std::vector{row(1, h)});
  EXPECT_EQ(decode_chunk(2, e.data, out).code(), errc::unsupported);
}

TEST(tsdb_chunk, damaged_bytes_give_an_error_or_other_samples_never_more) {
  seeded_random random(5);
  sample_columns in;
  for (int i = 0; i < 40; ++i)
    append_float(in, 1000 + i * 15'000, random.unit());
  std::vector<sample_columns::histogram_row> rows;
  for (int i = 0; i < 40; ++i)
    rows.push_back(row(i * 1000, counter({1.0 + i, 2, 3}, counter_reset_hint::unknown)));
  for (const auto& e : {encode_floats(in.ts, in.values), encode_histograms(rows)}) {
    for (size_t at = 0; at < e.data.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string bad = e.data;
        bad[at] = static_cast<char>(bad[at] ^ 1 << bit);
        sample_columns out;
        decode_chunk(static_cast<uint8_t>(e.how), bad, out).ignore();
        EXPECT_LE(out.ts.size() + out.histograms.size(), 65'536u);
      }
      sample_columns out;
      EXPECT_FALSE(
          decode_chunk(static_cast<uint8_t>(e.how), std::string_view(e.data).substr(0, at), out)
              .ok());
    }
  }
}

}  // namespace
}  // namespace troupe::storage::tsdb
