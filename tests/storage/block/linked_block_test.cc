// Merged blocks with classic histograms: what is written is read, in any order and window, damage
// costs what is told by the chunk it hit, and nothing else.
#include "storage/block/block_check.h"
#include "storage/chunk/chunk.h"
#include "tests/storage/block/block_fixture.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace troupe::storage {
namespace {

using test::block_fixture;
using test::flat;
using test::flatten;
using test::read_all;

std::vector<test::series_data> some_histograms(random_source& random,
                                               const test::classic_shape& shape) {
  auto data = test::classic_histograms(random, shape);
  for (auto& d : test::random_series(random, {.series = 6, .samples = 60}))
    data.push_back(std::move(d));
  return data;
}

flat as_flat(const labels& series, const sample_columns& c) {
  flat out;
  if (!is_empty(c))
    flatten(series.to_string(), c, out);
  return out;
}

struct chunk_places {
  std::map<uint64_t, uint64_t> links;   ///< of linked chunks: from where to where
  std::map<uint64_t, uint64_t> series;  ///< how many have the chunk
};
chunk_places places_of(const block_reader& block, std::string_view chunk_file) {
  chunk_places out;
  labels series;
  std::vector<chunk_ref> refs;
  for (series_ref ref = 0; ref < block.meta().series; ++ref) {
    EXPECT_TRUE(block.read_series(ref, series, refs).ok());
    for (const auto& c : refs) {
      ++out.series[c.offset];
      const auto link = link_of(chunk_file.substr(c.offset + 4, c.length - 4));
      EXPECT_TRUE(link.ok());
      if (link.ok() && *link)
        out.links[c.offset] = c.offset - (*link)->distance;
    }
  }
  return out;
}

TEST(linked_block, what_is_written_is_read) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    block_fixture f(seed);
    const auto data = some_histograms(f.random, {.hosts = 1 + seed % 3,
                                                 .methods = 1 + seed % 4,
                                                 .samples = 1 + seed * 60,
                                                 .jitter_ms = seed % 2 ? 9 : 0,
                                                 .stale = seed % 3 == 1,
                                                 .starts = seed % 4 == 3});
    const auto meta = f.write(data, 0, test::day, 2);
    ASSERT_TRUE(meta.ok()) << meta.error().to_string();
    const auto block = *f.open(meta->id);
    EXPECT_EQ(block->meta(), *meta);
    if (seed > 3) {
      EXPECT_GT(meta->linked_chunks, meta->chunks / 3);
    }
    EXPECT_EQ(places_of(*block, f.fs.content("blocks/" + meta->id + "/chunks")).links.size(),
              meta->linked_chunks);
    const auto all = flatten(data);
    ASSERT_EQ(read_all(*block), all);
    for (int i = 0; i < 20; ++i) {
      const auto mint = static_cast<timestamp_ms>(f.random.below(test::day / 8));
      const auto maxt = mint + static_cast<timestamp_ms>(f.random.below(test::day / 8));
      ASSERT_EQ(read_all(*block, nullptr, mint, maxt), test::window(all, mint, maxt));
    }
    block_check check(block);
    while (!check.step(1000)) {
    }
    EXPECT_EQ(check.damages(), 0u) << (check.places().empty() ? "" : check.places()[0].reason);
    EXPECT_FALSE(block->damage().any());
  }
}

TEST(linked_block, long_series_have_linked_chunks_side_by_side) {
  block_fixture f(1);
  const auto data =
      test::classic_histograms(f.random, {.hosts = 1, .methods = 1, .samples = 12'000});
  const auto hot = f.write(data, 0, 10 * test::day), cold = f.write(data, 0, 10 * test::day, 2);
  EXPECT_EQ(hot->linked_chunks, 0u);
  EXPECT_GE(cold->linked_chunks, 3 * 8u);
  EXPECT_EQ(read_all(**f.open(cold->id)), flatten(data));
}

TEST(linked_block, has_a_later_version) {
  block_fixture f(2);
  const auto data = test::classic_histograms(f.random, {});
  const auto version = [&](uint32_t level) {
    const auto meta = f.write(data, 0, test::day, level);
    return f.fs.content("blocks/" + meta->id + "/meta").substr(0, 15);
  };
  EXPECT_EQ(version(1), "troupe block 1\n");
  EXPECT_EQ(version(2), "troupe block 2\n");
}

TEST(linked_block, one_bucket_and_other_windows_in_turn) {
  block_fixture f(3);
  const auto data = test::classic_histograms(f.random, {.hosts = 2, .methods = 3});
  const auto meta = f.write(data, 0, test::day, 2);
  const auto block = *f.open(meta->id);
  const auto all = flatten(data);
  for (const auto& d : data) {
    std::vector<matcher> ms;
    for (const auto& label : d.series)
      ms.push_back(matcher::equal(std::string(label.name), std::string(label.value)));
    auto set = *block->select(ms, min_time, max_time, nullptr);
    ASSERT_TRUE(set->next());
    for (int i = 0; i < 6; ++i) {
      const auto mint = static_cast<timestamp_ms>(f.random.below(4'500'000));
      const auto maxt = mint + static_cast<timestamp_ms>(f.random.below(900'000));
      const flat want{{d.series.to_string(), all.at(d.series.to_string())}};
      sample_columns c;
      ASSERT_TRUE(set->read(mint, maxt, c).ok());
      ASSERT_EQ(as_flat(d.series, c), test::window(want, mint, maxt));
      // Appending to what is there.
      ASSERT_TRUE(set->read(maxt + 1, max_time, c).ok());
      ASSERT_EQ(as_flat(d.series, c), test::window(want, mint, max_time));
    }
  }
}

TEST(linked_block, damage_costs_what_is_told_by_the_chunk_it_hit) {
  block_fixture f(4);
  const auto data = some_histograms(f.random, {.hosts = 1, .methods = 1, .samples = 40});
  const auto meta = f.write(data, 0, test::day, 2);
  const auto path = "blocks/" + meta->id + "/chunks";
  const auto all = flatten(data);
  const auto [links, series] = places_of(**f.open(meta->id), f.fs.content(path));
  ASSERT_GT(links.size(), 6u);
  // The chunks that cannot be read without the one at `offset`, and that one.
  const auto lost = [&links = links](uint64_t offset) {
    std::set<uint64_t> out{offset};
    for (bool more = true; more;) {
      more = false;
      for (const auto& [from, to] : links)
        more = (out.contains(to) && out.insert(from).second) || more;
    }
    return std::vector<uint64_t>(out.begin(), out.end());
  };
  size_t most = 0;
  for (uint64_t at = 0; at < meta->chunk_bytes; ++at) {
    const auto bit = static_cast<unsigned>(f.random.below(8));
    f.fs.flip_bit(path, at, bit);
    const auto block = *f.open(meta->id);
    auto met = std::make_shared<read_damage>();
    const flat got = read_all(*block, met);
    ASSERT_TRUE(test::is_part_of(got, all)) << at;
    const auto noted = block->damaged_chunks();
    ASSERT_FALSE(noted.empty()) << at;
    // The one that was hit comes first in the file.
    ASSERT_EQ(noted, lost(noted.front())) << at;
    uint64_t hit = 0;
    for (const uint64_t offset : noted)
      hit += series.at(offset);
    ASSERT_EQ(met->chunks.load(), hit) << at;
    most = std::max(most, noted.size());
    const uint64_t missing = test::count_samples(all) - test::count_samples(got);
    ASSERT_EQ(met->samples.load(), missing) << at;
    block_check check(block);
    while (!check.step(1 << 20)) {
    }
    ASSERT_EQ(check.damages(), noted.size()) << at;
    f.fs.flip_bit(path, at, bit);
  }
  EXPECT_LE(most, 6u);
}

}  // namespace
}  // namespace troupe::storage
