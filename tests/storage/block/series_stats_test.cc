// Statistics of series: the same bits as reading gives, small, and kept where they are worth it.
#include "storage/block/series_stats.h"

#include "storage/block/block_check.h"
#include "storage/index/index_writer.h"
#include "tests/storage/block/block_fixture.h"

#include <bit>
#include <cmath>
#include <limits>
#include <tuple>

namespace troupe::storage {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

void expect_same_bits(double a, double b) {
  EXPECT_EQ(std::bit_cast<uint64_t>(a), std::bit_cast<uint64_t>(b)) << a << " " << b;
}

TEST(series_stats, are_what_reading_gives) {
  seeded_random random(3);
  size_t told = 0, summed = 0;
  for (int round = 0; round < 4000; ++round) {
    std::vector<double> values;
    double v = static_cast<double>(random.below(1000)) - 500;
    for (uint64_t n = 1 + random.below(200); n > 0; --n)
      values.push_back(v = test::random_value(random, static_cast<unsigned>(round), v));
    const auto s = series_stats_of(values);
    if (!s)
      continue;
    ++told;
    double least = values[0], greatest = values[0];
    uint64_t resets = 0;
    int64_t sum = 0, before_resets = 0;
    for (size_t i = 0; i < values.size(); ++i) {
      ASSERT_FALSE(std::isnan(values[i]));
      least = values[i] < least ? values[i] : least;
      greatest = values[i] > greatest ? values[i] : greatest;
      const bool reset = i > 0 && values[i] < values[i - 1];
      resets += reset;
      if (s->sums) {
        sum += static_cast<int64_t>(values[i]);
        before_resets += reset ? static_cast<int64_t>(values[i - 1]) : 0;
      }
    }
    expect_same_bits(s->first, values.front());
    expect_same_bits(s->last, values.back());
    expect_same_bits(s->min, least);
    expect_same_bits(s->max, greatest);
    EXPECT_EQ(s->resets, resets);
    if (s->sums) {
      ++summed;
      EXPECT_EQ(s->sums->sum, sum);
      EXPECT_EQ(s->sums->before_resets, before_resets);
    }
    const auto bytes = encode_series_stats(*s);
    const auto back = decode_series_stats(bytes);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, *s);
    expect_same_bits(back->min, s->min);
    for (size_t cut = 0; cut < bytes.size(); ++cut)
      EXPECT_EQ(decode_series_stats(bytes.substr(0, cut)).code(), errc::corruption);
    EXPECT_EQ(decode_series_stats(bytes + '\0').code(), errc::corruption);
  }
  EXPECT_GT(told, 1500u);
  EXPECT_GT(summed, 500u);
}

TEST(series_stats, there_are_none_where_they_would_not_be_exact) {
  EXPECT_FALSE(series_stats_of({}));
  EXPECT_FALSE(series_stats_of(std::vector<double>{1, stale_nan()}));
  EXPECT_FALSE(series_stats_of(std::vector<double>{1, normal_nan()}));
  EXPECT_FALSE(series_stats_of(std::vector<double>{0.0, 1, -0.0}));
  EXPECT_TRUE(series_stats_of(std::vector<double>{-1, 1, -0.0}));
  EXPECT_FALSE(series_stats_of(std::vector<double>{-1, 1, -0.0})->sums);
  EXPECT_FALSE(series_stats_of(std::vector<double>{1, 0.5})->sums);
  EXPECT_FALSE(series_stats_of(std::vector<double>{9007199254740991, 1})->sums);
  EXPECT_TRUE(series_stats_of(std::vector<double>{9007199254740990, 1})->sums);
  const auto s = series_stats_of(std::vector<double>{-inf, inf, 5});
  ASSERT_TRUE(s);
  EXPECT_EQ(s->min, -inf);
  EXPECT_EQ(s->max, inf);
  EXPECT_FALSE(s->sums);
}

TEST(series_stats, are_small) {
  std::vector<double> counter, gauge;
  for (int i = 0; i < 5760; ++i) {
    counter.push_back(1e9 + i * 1500);
    gauge.push_back(std::round(1000 * std::sin(i)) / 100);
  }
  EXPECT_LE(encode_series_stats(*series_stats_of(counter)).size(), 24u);
  EXPECT_LE(encode_series_stats(*series_stats_of(gauge)).size(), 12u);
}

// A day of a few series; the first varies.
std::vector<test::series_data> day_of(seeded_random& random) {
  std::vector<test::series_data> out(4);
  for (size_t n = 0; n < out.size(); ++n) {
    out[n].series = labels::from({{"n", std::to_string(n)}});
    for (int i = 0; i < 5000; ++i) {
      const double v = n == 1 ? 42 : static_cast<double>(random.below(n == 2 ? 2 : 1000)) / 10;
      append_float(out[n].columns, i * 15'000, v, no_start_timestamp);
    }
    if (n == 3)
      append_float(out[n].columns, 5000 * 15'000, stale_nan(), no_start_timestamp);
  }
  return out;
}

TEST(series_stats, blocks_have_them_where_they_weigh_little) {
  test::block_fixture f(5);
  const auto data = day_of(f.random);
  const auto block = *f.open(f.write(data)->id);
  labels series;
  std::vector<chunk_ref> chunks;
  uint64_t with = 0;
  for (series_ref ref = 0; ref < 4; ++ref) {
    std::string_view statistics;
    ASSERT_TRUE(block->read_series(ref, series, chunks, &statistics).ok());
    uint64_t bytes = 0;
    for (const auto& c : chunks)
      bytes += c.length;
    EXPECT_LE(statistics.size() * 100, bytes) << series.to_string();
    if (statistics.empty())
      continue;
    ++with;
    EXPECT_EQ(*decode_series_stats(statistics), *series_stats_of(data[ref].columns.values));
  }
  EXPECT_EQ(with, 2u) << "not of a constant, nor with a stale marker";
}

TEST(series_stats, whole_series_are_read_as_summaries) {
  test::block_fixture f(7);
  const auto data = day_of(f.random);
  const auto block = *f.open(f.write(data)->id);
  const auto count = [&](timestamp_ms mint, timestamp_ms maxt) {
    size_t summaries = 0;
    const auto set = *block->select({}, min_time, max_time, nullptr);
    for (size_t n = 0; set->next(); ++n) {
      sample_columns c, want;
      std::vector<sample_summary> runs;
      EXPECT_TRUE(set->read_summarized(mint, maxt, c, runs).ok());
      EXPECT_TRUE(set->read(mint, maxt, want).ok());
      summaries += runs.size();
      if (runs.empty()) {
        EXPECT_EQ(c.ts, want.ts);
        continue;
      }
      const auto s = *series_stats_of(want.values);
      EXPECT_TRUE(c.ts.empty());
      EXPECT_EQ(runs[0].count, want.ts.size());
      EXPECT_EQ(runs[0].first_ts, want.ts.front());
      EXPECT_EQ(runs[0].last_ts, want.ts.back());
      EXPECT_EQ(std::tie(runs[0].first, runs[0].last, runs[0].min, runs[0].max),
                std::tie(s.first, s.last, s.min, s.max));
    }
    return summaries;
  };
  constexpr timestamp_ms last = 4999 * 15'000;
  EXPECT_EQ(count(min_time, max_time), 2u);
  EXPECT_EQ(count(0, last), 2u);
  EXPECT_EQ(count(1, last), 0u);
  EXPECT_EQ(count(0, last - 1), 0u);
  ASSERT_TRUE(block->delete_series(f.fs, 15'000, 15'000, matchers{matcher::equal("n", "0")}).ok());
  EXPECT_EQ(count(0, last), 1u) << "deleted samples are not in the statistics";
}

TEST(series_stats, wrong_ones_are_found_by_the_check) {
  test::block_fixture f(6);
  auto meta = *f.write(day_of(f.random));
  auto block = *f.open(meta.id);
  for (const bool decodes : {true, false}) {
    index_writer index(*f.fs.create("index"), block_seed(meta.id));
    labels series;
    std::vector<chunk_ref> chunks;
    for (series_ref ref = 0; ref < meta.series; ++ref) {
      std::string_view statistics;
      ASSERT_TRUE(block->read_series(ref, series, chunks, &statistics).ok());
      std::string changed(statistics);
      if (ref == 0) {
        auto s = *decode_series_stats(statistics);
        s.max += 1;
        changed = decodes ? encode_series_stats(s) : std::string("\xff");
      }
      ASSERT_TRUE(index.add(series, chunks, changed).ok());
    }
    ASSERT_TRUE(index.finish().ok());
    meta.index_bytes = f.fs.content("index").size();
    f.fs.put("blocks/" + meta.id + "/index", f.fs.content("index"));
    f.fs.put("blocks/" + meta.id + "/meta", encode_meta(meta));
    block_check check(*f.open(meta.id));
    while (!check.step(1 << 20)) {
    }
    ASSERT_EQ(check.damages(), 1u);
    EXPECT_NE(check.places()[0].reason.find("statistics"), std::string::npos);
  }
}

}  // namespace
}  // namespace troupe::storage
