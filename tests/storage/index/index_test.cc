// Both indexes against matching every series by hand.
#include "storage/base/random.h"
#include "storage/index/index_layout.h"
#include "storage/index/index_reader.h"
#include "storage/index/memory_index.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

namespace troupe::storage {
namespace {

constexpr uint32_t seed = 77;

labels random_labels(random_source& random) {
  std::vector<std::pair<std::string, std::string>> pairs{
      {"__name__", "m" + std::to_string(random.below(4))}};
  for (const char* name : {"a", "b", "c", "job"})
    if (random.below(3))
      pairs.emplace_back(name, "v" + std::to_string(random.below(name[0] == 'c' ? 60 : 5)));
  if (random.below(30) == 0)
    pairs.emplace_back("none", std::string(9000, 'x'));  // cannot be packed
  return labels::from(std::move(pairs));
}

std::vector<labels> random_set(random_source& random, size_t n) {
  std::set<labels> out;
  for (size_t i = 0; i < n; ++i)
    out.insert(random_labels(random));
  return {out.begin(), out.end()};
}

matcher random_matcher(random_source& random) {
  static const char* const names[] = {"__name__", "a", "b", "c", "job", "none"};
  static const char* const values[] = {
      "",  "v1", "v2",       "v1|v3",  "v1|", "v.*",    ".*", ".+",   "m1",  "m[12]",
      "x", "|",  "v1|v2|v4", "(v1|x)", "v1?", "v(1|2)", "V1", "v1.+", "^v1$"};
  const auto op = static_cast<match_op>(random.below(4));
  auto m = matcher::make(op, names[random.below(std::size(names))],
                         values[random.below(std::size(values))]);
  return *m;
}

matchers random_matchers(random_source& random) {
  matchers out;
  for (size_t n = random.below(4); n > 0; --n)
    out.push_back(random_matcher(random));
  return out;
}

std::string text_of(const matchers& ms) {
  std::string out;
  for (const auto& m : ms)
    out += m.to_string() + " ";
  return out;
}

// The answers by brute force; series without a reference in `refs` are gone.
struct reference {
  std::map<series_ref, labels> series;

  posting_list select(const matchers& ms) const {
    posting_list out;
    for (const auto& [ref, lset] : series)
      if (matches_all(ms, lset))
        out.push_back(ref);
    return out;
  }
  std::vector<std::string> names(const matchers& ms, size_t limit) const {
    std::set<std::string> out;
    for (const series_ref ref : select(ms))
      for (const auto& l : series.at(ref))
        out.emplace(l.name);
    return cut(out, limit);
  }
  std::vector<std::string> values(std::string_view name, const matchers& ms, size_t limit) const {
    std::set<std::string> out;
    for (const series_ref ref : select(ms))
      if (const auto v = series.at(ref).get(name); !v.empty())
        out.emplace(v);
    return cut(out, limit);
  }
  static std::vector<std::string> cut(const std::set<std::string>& all, size_t limit) {
    std::vector<std::string> out(all.begin(), all.end());
    if (limit && out.size() > limit)
      out.resize(limit);
    return out;
  }
};

std::vector<chunk_ref> random_chunks(random_source& random) {
  std::vector<chunk_ref> out;
  timestamp_ms ts = static_cast<timestamp_ms>(random.below(1000)) - 500;
  uint64_t offset = random.below(1u << 30);
  for (size_t n = random.below(5); n > 0; --n) {
    const timestamp_ms end = ts + static_cast<timestamp_ms>(random.below(5000));
    out.push_back({ts, end, offset, static_cast<uint32_t>(1 + random.below(500)),
                   static_cast<uint32_t>(1 + random.below(480))});
    offset += random.below(2) ? out.back().length : random.below(10'000);
    ts = random.below(4) ? end + 1 : ts;
  }
  return out;
}

// Writes an index file of `all` and returns its bytes.
std::string write_index(const std::vector<labels>& all,
                        const std::vector<std::vector<chunk_ref>>& chunks) {
  support::sim_file_system fs(1);
  EXPECT_TRUE(fs.create_directories("d").ok());
  index_writer writer(std::move(*fs.create("d/index")), seed);
  for (size_t i = 0; i < all.size(); ++i)
    EXPECT_TRUE(writer.add(all[i], chunks[i]).ok());
  EXPECT_TRUE(writer.finish().ok());
  return fs.content("d/index");
}

TEST(memory_index, agrees_with_brute_force_while_series_come_and_go) {
  seeded_random random(2);
  for (int round = 0; round < 20; ++round) {
    memory_index index;
    reference ref;
    const auto all = random_set(random, 150);
    std::vector<series_ref> order(all.size());
    for (series_ref i = 0; i < order.size(); ++i)
      order[i] = i * 3;
    for (size_t i = order.size(); i > 1 && round % 2; --i)
      std::swap(order[i - 1], order[random.below(i)]);
    for (size_t i = 0; i < all.size(); ++i) {
      index.add(order[i], all[i]);
      ref.series[order[i]] = all[i];
    }
    for (int step = 0; step < 60; ++step) {
      const auto ms = random_matchers(random);
      const size_t limit = random.below(2) ? 0 : 1 + random.below(4);
      ASSERT_EQ(index.select(ms), ref.select(ms)) << text_of(ms);
      ASSERT_EQ(index.label_names(ms, limit), ref.names(ms, limit)) << text_of(ms);
      for (const char* name : {"a", "c", "none"})
        ASSERT_EQ(index.label_values(name, ms, limit), ref.values(name, ms, limit)) << text_of(ms);
      ASSERT_EQ(index.series_count(), ref.series.size());
      if (step % 10 != 9)
        continue;
      std::vector<std::pair<series_ref, labels>> gone;
      for (const auto& entry : ref.series)
        if (random.below(4) == 0)
          gone.emplace_back(entry);
      index.remove(gone);
      for (const auto& entry : gone)
        ref.series.erase(entry.first);
    }
  }
}

TEST(memory_index, absent_labels_match_as_empty) {
  memory_index index;
  index.add(1, labels::from({{"__name__", "m"}, {"a", "x"}}));
  index.add(2, labels::from({{"__name__", "m"}, {"a", "y"}}));
  index.add(3, labels::from({{"__name__", "m"}}));
  const auto select = [&](match_op op, const char* value) {
    return index.select(matchers{*matcher::make(op, "a", value)});
  };
  EXPECT_EQ(select(match_op::equal, ""), (posting_list{3}));
  EXPECT_EQ(select(match_op::not_equal, ""), (posting_list{1, 2}));
  EXPECT_EQ(select(match_op::not_equal, "x"), (posting_list{2, 3}));
  EXPECT_EQ(select(match_op::regex, ".*"), (posting_list{1, 2, 3}));
  EXPECT_EQ(select(match_op::regex, ".+"), (posting_list{1, 2}));
  EXPECT_EQ(select(match_op::regex, "x|"), (posting_list{1, 3}));
  EXPECT_EQ(select(match_op::not_regex, ".+"), (posting_list{3}));
  EXPECT_EQ(select(match_op::not_regex, ".*"), posting_list());
  EXPECT_EQ(select(match_op::not_regex, "x|y"), (posting_list{3}));
  EXPECT_EQ(select(match_op::not_regex, "x|"), (posting_list{2}));
  EXPECT_EQ(index.select({}), (posting_list{1, 2, 3}));
}

TEST(memory_index, kept_answers_follow_every_change) {
  memory_index index;
  // Enough values that what a regular expression matches is kept.
  const auto series = [](uint32_t i) {
    return labels::from({{"__name__", "m"}, {"a", "v" + std::to_string(i)}});
  };
  const matchers odd{*matcher::make(match_op::regex, "a", "v.*[13579]")};
  std::vector<series_ref> expected;
  for (uint32_t i = 0; i < 300; ++i) {
    index.add(i, series(i));
    if (i % 2)
      expected.push_back(i);
    ASSERT_EQ(index.select(odd), expected);
    ASSERT_EQ(index.select(odd), expected) << "asked again";
    ASSERT_EQ(index.label_values("a", odd, 0).size(), expected.size());
  }
  EXPECT_EQ(index.label_values("a", {}, 2), (std::vector<std::string>{"v0", "v1"}));
  // The numbers of values that are gone are used again for others.
  index.remove(std::vector<std::pair<series_ref, labels>>{{1, series(1)}, {7, series(7)}});
  index.add(300, series(1001));
  index.add(301, series(1002));
  std::erase_if(expected, [](series_ref r) { return r == 1 || r == 7; });
  expected.push_back(300);
  EXPECT_EQ(index.select(odd), expected);
  EXPECT_EQ(index.label_values("a", {}, 0).size(), 300u);
  EXPECT_EQ(index.label_values("a", odd, 1), (std::vector<std::string>{"v1001"}));
}

TEST(memory_index, the_version_of_a_metric_changes_with_its_series_alone) {
  memory_index index;
  const auto of = [](const char* metric, int n) {
    return labels::from({{"__name__", metric}, {"n", std::to_string(n)}});
  };
  EXPECT_EQ(index.metric("a").version, 0u);
  index.add(0, of("a", 0));
  index.add(1, of("a", 1));
  index.add(2, of("b", 0));
  const auto a = index.metric("a");
  EXPECT_EQ(a.series, 2u);
  index.add(3, of("b", 1));
  index.remove({{std::pair<series_ref, labels>(2, of("b", 0))}});
  EXPECT_EQ(index.metric("a").version, a.version);
  index.add(4, of("a", 2));
  const auto more = index.metric("a");
  EXPECT_NE(more.version, a.version);
  EXPECT_EQ(more.series, 3u);
  index.remove({{std::pair<series_ref, labels>(4, of("a", 2))}});
  EXPECT_NE(index.metric("a").version, more.version);
  EXPECT_NE(index.metric("a").version, a.version);
  // A series that is not packed may be of any metric.
  const auto before = index.metric("a").version;
  index.add(5, labels::from({{"__name__", "a"}, {"n", std::string(9000, 'x')}}));
  EXPECT_NE(index.metric("a").version, before);
  EXPECT_EQ(index.metric("a").series, 3u);
}

TEST(memory_index, gives_its_memory_and_its_labels_back) {
  const auto before = labels::packed_memory();
  memory_index index;
  const size_t empty = index.memory_bytes();
  std::vector<std::pair<series_ref, labels>> all;
  for (series_ref i = 0; i < 5000; ++i) {
    all.emplace_back(i, labels::from({{"__name__", "giving"}, {"unique", std::to_string(i)}}));
    index.add(i, all.back().second);
  }
  EXPECT_GT(labels::packed_memory().texts, before.texts + 5000) << "the index holds its texts";
  index.remove(all);
  EXPECT_EQ(labels::packed_memory().texts, before.texts);
  EXPECT_TRUE(index.label_names({}, 0).empty());
  EXPECT_LT(index.memory_bytes(), empty + 5000 * 40);
}

TEST(memory_index, takes_few_bytes_when_targets_get_contiguous_references) {
  memory_index index;
  series_ref ref = 0;
  for (int target = 0; target < 100; ++target)
    for (int i = 0; i < 500; ++i)
      index.add(ref++, labels::from({{"__name__", "metric_" + std::to_string(i / 10)},
                                     {"instance", "host-" + std::to_string(target)},
                                     {"job", "node"},
                                     {"cluster", "c"},
                                     {"env", "prod"},
                                     {"mode", std::to_string(i % 10)},
                                     {"cpu", std::to_string(i % 8)}}));
  EXPECT_LE(index.memory_bytes(), ref * 12u);
}

TEST(memory_index, cardinality) {
  memory_index index;
  index.add(1, labels::from({{"__name__", "m"}, {"a", "xx"}}));
  index.add(2, labels::from({{"__name__", "m"}, {"a", "y"}}));
  index.add(3, labels::from({{"__name__", "n"}, {"a", "y"}}));
  const auto c = index.stats(1);
  EXPECT_EQ(c.label_pairs, 4u);
  ASSERT_EQ(c.series_by_metric.size(), 1u);
  EXPECT_EQ(c.series_by_metric[0].name, "m");
  EXPECT_EQ(c.series_by_metric[0].value, 2u);
  EXPECT_EQ(c.values_by_label[0].name, "__name__");
  EXPECT_EQ(c.series_by_pair[0].name, "__name__=m");
  EXPECT_EQ(c.memory_by_label[0].name, "a");
  EXPECT_EQ(c.memory_by_label[0].value, 4u);
}

TEST(memory_index, readers_beside_the_writer_see_whole_series) {
  memory_index index;
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    const matchers both{matcher::equal("a", "x"), matcher::equal("b", "y")};
    const matchers one{matcher::equal("a", "x"), *matcher::make(match_op::not_equal, "b", "y")};
    while (!stop) {
      EXPECT_TRUE(index.select(one).empty());
      const auto refs = index.select(both);
      EXPECT_TRUE(std::is_sorted(refs.begin(), refs.end()));
    }
  });
  std::vector<std::pair<series_ref, labels>> gone;
  for (series_ref i = 0; i < 3000; ++i) {
    const auto s = labels::from({{"a", "x"}, {"b", "y"}, {"i", std::to_string(i)}});
    index.add(i, s);
    gone.emplace_back(i, s);
    if (gone.size() == 100) {
      index.remove(gone);
      gone.clear();
    }
  }
  stop = true;
  reader.join();
  EXPECT_EQ(index.series_count(), 0u);
}

TEST(index_file, agrees_with_brute_force) {
  seeded_random random(3);
  for (int round = 0; round < 20; ++round) {
    const auto all = random_set(random, round == 0 ? 0 : 1 + random.below(200));
    std::vector<std::vector<chunk_ref>> chunks;
    reference ref;
    for (series_ref i = 0; i < all.size(); ++i) {
      chunks.push_back(random_chunks(random));
      ref.series[i] = all[i];
    }
    const auto bytes = write_index(all, chunks);
    const auto reader = index_reader::open(bytes, seed);
    ASSERT_TRUE(reader.ok()) << reader.error().to_string();
    ASSERT_EQ((*reader)->series_count(), all.size());
    for (series_ref i = 0; i < all.size(); ++i) {
      labels series;
      std::vector<chunk_ref> refs;
      ASSERT_TRUE((*reader)->series(i, series, &refs).ok());
      ASSERT_EQ(series, all[i]);
      ASSERT_EQ(refs, chunks[i]);
    }
    for (int step = 0; step < 60; ++step) {
      const auto ms = random_matchers(random);
      const size_t limit = random.below(2) ? 0 : 1 + random.below(4);
      const auto refs = resolve(**reader, ms);
      ASSERT_TRUE(refs.ok());
      ASSERT_EQ(*refs, ref.select(ms)) << text_of(ms);
      ASSERT_EQ(*(*reader)->label_names(ms, limit), ref.names(ms, limit)) << text_of(ms);
      for (const char* name : {"a", "c", "none"})
        ASSERT_EQ(*(*reader)->label_values(name, ms, limit), ref.values(name, ms, limit));
    }
  }
}

TEST(index_file, a_cursor_reads_in_any_order) {
  seeded_random random(13);
  const auto all = random_set(random, 100);
  std::vector<std::vector<chunk_ref>> chunks;
  for (size_t i = 0; i < all.size(); ++i)
    chunks.push_back(random_chunks(random));
  const auto bytes = write_index(all, chunks);
  const auto reader = *index_reader::open(bytes, seed);
  series_cursor cursor;
  series_ref ref = 0;
  for (int step = 0; step < 2000; ++step) {
    ref = random.below(4) ? ref + static_cast<series_ref>(random.below(4))
                          : static_cast<series_ref>(random.below(all.size()));
    labels series;
    std::vector<chunk_ref> refs;
    const bool ok = reader->series(ref, series, &refs, nullptr, &cursor).ok();
    ASSERT_EQ(ok, ref < all.size());
    if (ok) {
      ASSERT_EQ(series, all[ref]);
      ASSERT_EQ(refs, chunks[ref]);
    }
  }
}

TEST(index_file, regular_postings_and_similar_series_take_few_bytes) {
  std::vector<labels> all;
  std::vector<std::vector<chunk_ref>> chunks;
  uint64_t end = 0;
  for (int metric = 0; metric < 50; ++metric)
    for (int host = 0; host < 100; ++host) {
      all.push_back(labels::from({{"__name__", "metric_" + std::to_string(100 + metric)},
                                  {"cpu", "3"},
                                  {"instance", "host-" + std::to_string(100 + host)},
                                  {"job", "node"},
                                  {"mode", "idle"}}));
      chunks.push_back(
          {{1'700'000'000'000 + host * 131, 1'700'028'785'000 + host * 131, end, 900, 1920}});
      end += 900;
    }
  const auto bytes = write_index(all, chunks);
  EXPECT_LT(bytes.size(), 5000u * 17);
}

TEST(index_file, extreme_chunk_references) {
  const std::vector<chunk_ref> refs{{min_time, max_time, 0, 1, 1},
                                    {0, 0, UINT64_MAX / 2, UINT32_MAX, UINT32_MAX},
                                    {max_time, max_time, 5, 7, 9}};
  const auto bytes = write_index({labels::from({{"a", "b"}})}, {refs});
  const auto reader = index_reader::open(bytes, seed);
  ASSERT_TRUE(reader.ok());
  labels series;
  std::vector<chunk_ref> out;
  ASSERT_TRUE((*reader)->series(0, series, &out).ok());
  EXPECT_EQ(out, refs);
}

TEST(index_file, another_seed_or_version_is_refused) {
  auto bytes = write_index({labels::from({{"a", "b"}})}, {{}});
  EXPECT_EQ(index_reader::open(bytes, seed + 1).code(), errc::corruption);
  for (const char version : {'\0', '\4'}) {
    bytes[4] = version;
    EXPECT_EQ(index_reader::open(bytes, seed).code(), errc::unsupported);
  }
}

TEST(index_file, pairs_are_listed_with_their_series) {
  seeded_random random(8);
  const auto all = random_set(random, 150);
  const auto bytes = write_index(all, std::vector<std::vector<chunk_ref>>(all.size()));
  const auto reader = *index_reader::open(bytes, seed);
  std::map<std::pair<std::string, std::string>, posting_list> want, got;
  for (series_ref i = 0; i < all.size(); ++i)
    for (const auto& pair : all[i])
      want[{std::string(pair.name), std::string(pair.value)}].push_back(i);
  uint32_t next = 0;
  for (uint32_t l = 0; l < reader->label_count(); ++l) {
    const auto group = reader->label_at(l);
    EXPECT_EQ(group.first_pair, next);
    next += group.pairs;
    for (uint32_t n = group.first_pair; n < next; ++n) {
      const auto pair = reader->pair_at(n);
      EXPECT_EQ(reader->find_pair(group.name, pair.value), n);
      auto& refs = got[{std::string(group.name), std::string(pair.value)}];
      refs = (*reader->pair_postings(n))->to_list();
      EXPECT_EQ(refs.size(), pair.series);
    }
  }
  EXPECT_EQ(next, reader->pair_count());
  EXPECT_EQ(got, want);
  EXPECT_EQ(reader->find_pair("a", "no such"), std::nullopt);
  EXPECT_EQ(reader->find_pair("no such", "v1"), std::nullopt);
}

TEST(index_file, tables_that_go_bad_behind_an_open_reader_are_found) {
  auto bytes = write_index({labels::from({{"a", "b"}}), labels::from({{"a", "c"}})}, {{}, {}});
  const auto reader = *index_reader::open(bytes, seed);
  EXPECT_TRUE(reader->check_tables().ok());
  // Behind the records, every byte belongs to a table or to the list of them.
  const size_t tables = bytes.find("ab");
  for (size_t at = tables; at < bytes.size(); ++at) {
    bytes[at] ^= 1;
    EXPECT_FALSE(reader->check_tables().ok()) << at;
    bytes[at] ^= 1;
  }
  EXPECT_TRUE(reader->check_tables().ok());
}

// Any single damaged byte: the file is refused, or exactly the group whose bytes were hit is lost.
TEST(index_file, every_byte_flipped_or_cut) {
  seeded_random random(5);
  const auto all = random_set(random, 45);
  std::vector<std::vector<chunk_ref>> chunks;
  for (size_t i = 0; i < all.size(); ++i)
    chunks.push_back(random_chunks(random));
  const size_t groups = (all.size() + index_layout::group_series - 1) / index_layout::group_series;
  ASSERT_EQ(groups, 3u);
  const auto good = write_index(all, chunks);
  size_t refused = 0, lost = 0;
  for (size_t at = 0; at < good.size(); ++at) {
    auto bad = good;
    bad[at] ^= static_cast<char>(1u << random.below(8));
    const auto reader = index_reader::open(bad, seed);
    if (!reader.ok()) {
      ++refused;
      continue;
    }
    std::map<size_t, size_t> broken;
    for (series_ref i = 0; i < all.size(); ++i) {
      labels series;
      std::vector<chunk_ref> refs;
      if (!(*reader)->series(i, series, &refs).ok()) {
        ++broken[i / index_layout::group_series];
        continue;
      }
      ASSERT_EQ(series, all[i]) << at;
      ASSERT_EQ(refs, chunks[i]) << at;
    }
    ASSERT_EQ(broken.size(), 1u) << at;
    const size_t behind = all.size() - broken.begin()->first * index_layout::group_series;
    ASSERT_EQ(broken.begin()->second, std::min(behind, index_layout::group_series)) << at;
    ++lost;
  }
  EXPECT_GT(refused, 0u);
  EXPECT_GT(lost, 0u);
  for (size_t n = 0; n < good.size(); ++n)
    ASSERT_FALSE(index_reader::open(std::string_view(good).substr(0, n), seed).ok()) << n;
}

}  // namespace
}  // namespace troupe::storage
