// Chunks that several series have: stored once, read by each, damaged for all.
#include "storage/block/chunk_sharing.h"

#include "storage/block/block_check.h"
#include "tests/storage/block/block_fixture.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace troupe::storage {
namespace {

using test::block_fixture;
using test::flatten;
using test::read_all;

TEST(chunk_sharing, knows_contents_until_they_are_displaced) {
  chunk_sharing sharing(1);
  EXPECT_FALSE(sharing.take(sharing.content_of(""), 9));
  EXPECT_NE(sharing.content_of("a"), chunk_sharing(2).content_of("a"));
  for (uint64_t i = 0; i < 1000; ++i)
    sharing.note(sharing.content_of(std::to_string(i)), {i, 7, 1});
  size_t known = 0;
  for (uint64_t i = 0; i < 1000; ++i)
    if (const auto at = sharing.take(sharing.content_of(std::to_string(i)), 1)) {
      EXPECT_EQ(at->offset, i);
      ++known;
    }
  EXPECT_GT(known, 980u);
  EXPECT_FALSE(sharing.take(sharing.content_of("1000"), 1));
  // Others in its place.
  const hash128 first = sharing.content_of("0");
  ASSERT_TRUE(sharing.take(first, 1));
  for (uint64_t i = 1; i <= 8; ++i)
    sharing.note({first.low + i * chunk_sharing::max_chunks, first.high}, {5, 5, 0});
  EXPECT_FALSE(sharing.take(first, 1));
}

TEST(chunk_sharing, few_series_and_few_links) {
  chunk_sharing sharing(1);
  const auto content = sharing.content_of("x");
  sharing.note(content, {1, 7, 2});
  EXPECT_FALSE(sharing.take(content, 1));
  for (uint32_t i = 1; i < chunk_sharing::max_uses; ++i)
    EXPECT_TRUE(sharing.take(content, 2));
  EXPECT_FALSE(sharing.take(content, 2));
  sharing.note(content, {100, 7, 0});
  EXPECT_EQ(sharing.take(content, 0)->offset, 100u);
}

// Where the chunks of each series lie.
std::map<std::string, std::vector<uint64_t>> places(const block_reader& block) {
  std::map<std::string, std::vector<uint64_t>> out;
  labels series;
  std::vector<chunk_ref> refs;
  for (series_ref ref = 0; ref < block.meta().series; ++ref) {
    EXPECT_TRUE(block.read_series(ref, series, refs).ok());
    for (const auto& c : refs)
      out[series.to_string()].push_back(c.offset);
  }
  return out;
}

// Constants of one target, with times that are no row, and one series of its own.
std::vector<test::series_data> constants(random_source& random, int series) {
  std::vector<timestamp_ms> times;
  for (int i = 0; i < 300; ++i)
    times.push_back(i * 1000 + static_cast<timestamp_ms>(random.below(20)));
  std::vector<test::series_data> out;
  for (int s = 0; s < series; ++s) {
    out.push_back({labels::from({{"__name__", "m" + std::to_string(s)}}), {}});
    for (const auto ts : times)
      append_float(out.back().columns, ts, s + 1 == series ? random.unit() : s % 2);
  }
  return out;
}

TEST(chunk_sharing, equal_series_have_one_chunk_on_every_level) {
  for (const uint32_t level : {1, 2}) {
    block_fixture f(1);
    const auto data = constants(f.random, 9);
    const auto meta = *f.write(data, 0, test::day, level);
    const auto block = *f.open(meta.id);
    EXPECT_EQ(read_all(*block), flatten(data));
    EXPECT_EQ(meta.chunks, 9u);
    std::set<uint64_t> distinct;
    for (const auto& [name, offsets] : places(*block))
      distinct.insert(offsets.begin(), offsets.end());
    EXPECT_EQ(distinct.size(), 3u);
    block_check check(block);
    while (!check.step(1)) {
    }
    EXPECT_EQ(check.damages(), 0u);
  }
}

TEST(chunk_sharing, damage_is_told_of_every_series) {
  block_fixture f(2);
  const auto data = constants(f.random, 9);
  const auto meta = *f.write(data);
  f.fs.flip_bit("blocks/" + meta.id + "/chunks", 7, 1);  // of four series
  const auto block = *f.open(meta.id);
  auto met = std::make_shared<read_damage>();
  const auto got = read_all(*block, met);
  EXPECT_EQ(got.size(), 5u);
  EXPECT_EQ(met->chunks.load(), 4u);
  EXPECT_EQ(met->samples.load(), 4 * 300u);
  EXPECT_EQ(block->damage().chunks.load(), 1u);
  block_check check(block);
  while (!check.step(1 << 20)) {
  }
  EXPECT_EQ(check.damages(), 1u) << "one place";
}

TEST(chunk_sharing, the_count_of_a_histogram_is_its_last_bucket) {
  block_fixture f(3);
  const auto data = test::classic_histograms(
      f.random, {.hosts = 2, .methods = 2, .samples = 400, .jitter_ms = 9, .stale = true});
  const auto meta = *f.write(data, 0, test::day, 2);
  const auto block = *f.open(meta.id);
  EXPECT_EQ(read_all(*block), flatten(data));
  size_t counts = 0;
  const auto at = places(*block);
  for (const auto& d : data)
    if (d.series.metric_name() == "rpc_seconds_count") {
      labels_builder b(d.series);
      b.set("__name__", "rpc_seconds_bucket").set("le", "+Inf");
      EXPECT_EQ(at.at(d.series.to_string()), at.at(b.build().to_string()));
      ++counts;
    }
  EXPECT_EQ(counts, 4u);
}

}  // namespace
}  // namespace troupe::storage
