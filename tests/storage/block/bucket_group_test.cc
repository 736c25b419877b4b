// Which series are buckets, and how the chunks of a group are told by each other.
#include "storage/block/bucket_group.h"

#include "storage/block/block_layout.h"
#include "tests/storage/block/series_data.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

namespace troupe::storage {
namespace {

labels bucket(const std::string& le, const std::string& method = "get") {
  return labels::from(
      {{"__name__", "x_bucket"}, {"instance", "a"}, {"le", le}, {"method", method}});
}

TEST(bucket_place, is_the_bound_between_the_other_labels) {
  const auto place = bucket_place_of(bucket("0.25"));
  ASSERT_TRUE(place);
  EXPECT_EQ(place->bound, 0.25);
  EXPECT_EQ(bucket_place_of(bucket("+Inf"))->bound, INFINITY);
  EXPECT_EQ(bucket_place_of(bucket("-1e3"))->bound, -1000);
  EXPECT_EQ(bucket_place_of(bucket("10"))->front, place->front);
  EXPECT_EQ(bucket_place_of(bucket("10"))->rest, place->rest);
  EXPECT_NE(bucket_place_of(bucket("10", "put"))->rest, place->rest);
  for (const char* not_a_number : {"", "NaN", "1x", "x", "+", "1 "})
    EXPECT_FALSE(bucket_place_of(bucket(not_a_number))) << not_a_number;
  EXPECT_FALSE(bucket_place_of({}));
}

TEST(bucket_place, labels_do_not_run_into_each_other) {
  const auto a = labels::from({{"__name__", "x"}, {"le", "1"}, {"m", "b"}, {"n", "c"}});
  const auto b = labels::from({{"__name__", "x"}, {"le", "1"}, {"m", "bn"}, {"nc", "c"}});
  EXPECT_NE(bucket_place_of(a)->rest, bucket_place_of(b)->rest);
}

encoded_series encoded(const test::series_data& d, size_t chunks = 1) {
  encoded_series out{d.series, {}, {}};
  const auto& c = d.columns;
  for (size_t k = 0; k < chunks; ++k) {
    const size_t from = c.ts.size() * k / chunks, n = c.ts.size() * (k + 1) / chunks - from;
    std::span<const timestamp_ms> starts(c.start_ts);
    out.chunks.push_back(
        {{c.ts[from], c.ts[from + n - 1], 0, 0, static_cast<uint32_t>(n)},
         encode_chunk({c.ts.data() + from, n}, {c.values.data() + from, n},
                      starts.empty() ? starts : starts.subspan(from, n), storage_tier::cold)});
    out.chunks.back().content = xxh3_128(out.chunks.back().bytes);
  }
  return out;
}

struct plan_figures {
  size_t chunks = 0, linked = 0;
  size_t reads = 0;  ///< of chunks, to read each chunk once
  size_t most_reads = 0;
  size_t bytes = 0, own_bytes = 0;
};

// Every chunk is there once, behind its base, which is a bucket of the same histogram.
plan_figures check_plan(bucket_group& group) {
  std::map<const encoded_chunk*, std::string> rests;
  for (const auto& s : group.series())
    for (const auto& c : s.chunks)
      rests[&c] = bucket_place_of(s.series)->rest;
  std::map<const encoded_chunk*, size_t> reads;
  plan_figures out;
  for (const chunk_plan& p : group.plan()) {
    EXPECT_TRUE(rests.contains(p.chunk));
    const size_t n = p.base ? reads[p.base] + 1 : 1;
    EXPECT_GE(n, p.base ? 2u : 1u) << "the base is not written yet";
    EXPECT_TRUE(reads.emplace(p.chunk, n).second);
    ++out.chunks;
    out.reads += n;
    out.most_reads = std::max(out.most_reads, n);
    out.own_bytes += p.chunk->bytes.size();
    if (p.base == nullptr) {
      out.bytes += p.chunk->bytes.size();
      continue;
    }
    ++out.linked;
    EXPECT_EQ(p.links + 1, n);
    EXPECT_EQ(rests[p.base], rests[p.chunk]);
    EXPECT_EQ(p.base->ref.min_ts, p.chunk->ref.min_ts);
    EXPECT_EQ(p.base->ref.samples, p.chunk->ref.samples);
    out.bytes +=
        encode_linked_chunk(p.chunk->ref.samples, {100'000, 1000}, p.sign, p.difference).size();
  }
  EXPECT_EQ(out.chunks, rests.size());
  return out;
}

plan_figures plan_of(const test::classic_shape& shape, size_t chunks = 1) {
  seeded_random random(3);
  auto data = test::classic_histograms(random, shape);
  std::sort(data.begin(), data.end(),
            [](const auto& a, const auto& b) { return a.series < b.series; });
  bucket_group group;
  for (const auto& d : data)
    if (auto place = bucket_place_of(d.series)) {
      EXPECT_TRUE(group.takes(*place));
      group.add(std::move(*place), encoded(d, chunks));
    }
  return check_plan(group);
}

TEST(bucket_group, links_save_bytes_at_two_and_a_half_reads_a_chunk) {
  for (const size_t methods : {1, 5})
    for (const size_t chunks : {1, 3})
      for (const bool odd : {false, true}) {
        const auto f = plan_of({.hosts = 1,
                                .methods = methods,
                                .samples = 1500,
                                .jitter_ms = odd ? 20 : 0,
                                .stale = odd,
                                .starts = odd},
                               chunks);
        EXPECT_EQ(f.chunks, 12 * methods * chunks);
        EXPECT_GE(f.linked, f.chunks / 2);
        EXPECT_LE(2 * f.reads, 5 * f.chunks);
        EXPECT_LE(f.most_reads, 4u);
        EXPECT_LT(f.bytes, f.own_bytes * 3 / 4);
      }
}

TEST(bucket_group, other_times_or_values_stay_as_they_are) {
  seeded_random random(4);
  bucket_group group;
  for (int i = 0; i < 12; ++i) {
    test::series_data d{bucket(std::to_string(i)), {}};
    for (int k = 0; k < 200; ++k)
      append_float(d.columns, k * 1000 + (i % 2 && k == 100), i % 4 < 2 ? k * i : random.unit());
    group.add(*bucket_place_of(d.series), encoded(d));
  }
  EXPECT_EQ(check_plan(group).linked, 0u);
}

TEST(bucket_group, takes_one_metric_of_one_front_within_its_memory) {
  bucket_group group;
  EXPECT_TRUE(group.takes(*bucket_place_of(bucket("1"))));
  encoded_series big{
      bucket("1"), {{{0, 1, 0, 0, 1}, std::string(bucket_group::max_bytes, 'x')}}, {}};
  encoded_series small{bucket("1"), {{{0, 1, 0, 0, 1}, "x"}}, {}};
  group.add(*bucket_place_of(bucket("1")), small);
  EXPECT_TRUE(group.takes(*bucket_place_of(bucket("2", "put"))));
  EXPECT_FALSE(group.takes(*bucket_place_of(labels::from({{"__name__", "y"}, {"le", "1"}}))));
  group.add(*bucket_place_of(bucket("2")), big);
  EXPECT_FALSE(group.takes(*bucket_place_of(bucket("3"))));
  group.clear();
  EXPECT_TRUE(group.empty());
  EXPECT_TRUE(group.takes(*bucket_place_of(bucket("3"))));
}

}  // namespace
}  // namespace troupe::storage
