#include "tests/storage/block/block_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::block_fixture;
using test::flat;
using test::flatten;
using test::read_all;

TEST(block, what_is_written_is_read) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    block_fixture f(seed);
    const auto data = test::random_series(f.random, {.series = 30, .samples = 700});
    const auto meta = f.write(data, 0, test::day);
    ASSERT_TRUE(meta.ok()) << meta.error().to_string();
    const auto block = f.open(meta->id);
    ASSERT_TRUE(block.ok()) << block.error().to_string();
    const auto all = flatten(data);
    EXPECT_EQ(read_all(**block), all);
    EXPECT_EQ(meta->samples, test::count_samples(all));
    EXPECT_EQ(meta->series, 30u);
    EXPECT_EQ((*block)->meta(), *meta);
    EXPECT_EQ(meta->sources, std::vector<std::string>{meta->id});
    EXPECT_FALSE((*block)->damage().any());
    for (int i = 0; i < 20; ++i) {
      const auto mint = static_cast<timestamp_ms>(f.random.below(test::day / 8));
      const auto maxt = mint + static_cast<timestamp_ms>(f.random.below(test::day / 8));
      ASSERT_EQ(read_all(**block, nullptr, mint, maxt), test::window(all, mint, maxt));
    }
  }
}

TEST(block, holds_only_its_half_open_range) {
  block_fixture f(1);
  const auto data = test::random_series(f.random, {.samples = 100});
  const auto meta = f.write(data, 300'000, 900'000);
  ASSERT_TRUE(meta.ok());
  EXPECT_EQ(read_all(**f.open(meta->id)), test::window(flatten(data), 300'000, 899'999));
}

TEST(block, without_samples_leaves_nothing) {
  block_fixture f(1);
  const auto data = test::random_series(f.random, {.samples = 10});
  const auto meta = f.write(data, 10 * test::day, 11 * test::day);
  ASSERT_TRUE(meta.ok());
  EXPECT_EQ(meta->samples, 0u);
  EXPECT_TRUE(f.fs.list("blocks")->empty());
}

TEST(block, floats_lie_in_few_long_chunks) {
  block_fixture f(14);
  struct shape {
    uint32_t level;
    int samples;
    uint64_t chunks;
  };
  for (const auto& [level, samples, chunks] : {shape{1, 1, 1},
                                               {1, 480, 1},
                                               {1, 1920, 1},
                                               {1, 1921, 2},
                                               {1, 5760, 3},
                                               {1, 20'000, 11},
                                               {2, 1, 1},
                                               {2, 5824, 1},
                                               {2, 5825, 2},
                                               {3, 17'280, 3}}) {
    test::series_data one{labels::from({{"__name__", "x"}}), {}};
    for (int i = 0; i < samples; ++i)
      append_float(one.columns, i * 1000, i);
    const auto meta = f.write({one}, 0, test::day, level);
    ASSERT_TRUE(meta.ok());
    EXPECT_EQ(meta->chunks, chunks) << samples;
    const auto block = *f.open(meta->id);
    EXPECT_EQ(read_all(*block), flatten({one}));
    // No chunk is much shorter than the others.
    labels series;
    std::vector<chunk_ref> refs;
    ASSERT_TRUE(block->read_series(0, series, refs).ok());
    for (const auto& ref : refs)
      EXPECT_GE(ref.samples + 64, static_cast<uint64_t>(samples) / chunks) << samples;
  }
}

TEST(block, merges_are_smaller_and_hold_the_same) {
  block_fixture f(15);
  const auto data = test::random_series(f.random, {.series = 60, .samples = 2000});
  const auto hot = f.write(data), cold = f.write(data, 0, test::day, 2);
  ASSERT_TRUE(hot.ok() && cold.ok());
  EXPECT_LT(cold->chunk_bytes, hot->chunk_bytes);
  EXPECT_EQ(read_all(**f.open(cold->id)), flatten(data));
}

TEST(block, queries_by_matchers_in_label_order) {
  block_fixture f(2);
  const auto data = test::random_series(f.random, {.series = 25, .samples = 20});
  const auto meta = f.write(data);
  const auto block = *f.open(meta->id);
  const auto q = block->open_querier(0, test::day);
  const matchers ms{matcher::equal("__name__", "m1"),
                    *matcher::make(match_op::not_regex, "i", "1.*")};
  auto set = *q->select({}, ms);
  std::vector<std::string> got;
  labels before;
  while (set->next()) {
    EXPECT_TRUE(matches_all(ms, set->series()));
    EXPECT_TRUE(before < set->series());
    before = set->series();
    got.push_back(std::string(set->series().get("i")));
  }
  EXPECT_TRUE(set->error().ok());
  EXPECT_EQ(got, (std::vector<std::string>{"21", "6"}));
  EXPECT_EQ(*q->label_names({}, 0), (std::vector<std::string>{"__name__", "i", "job"}));
  EXPECT_EQ(*q->label_values("i", ms, 0), (std::vector<std::string>{"21", "6"}));
  EXPECT_EQ(*q->label_values("__name__", {}, 2), (std::vector<std::string>{"m0", "m1"}));
  EXPECT_TRUE(q->warnings().empty());
}

TEST(block, a_series_is_listed_only_where_it_has_samples) {
  block_fixture f(3);
  std::vector<test::series_data> data(2);
  data[0].series = labels::from({{"a", "early"}});
  append_float(data[0].columns, 10, 1);
  data[1].series = labels::from({{"a", "late"}});
  append_float(data[1].columns, 1000, 1);
  const auto block = *f.open(f.write(data)->id);
  const auto names = [&](timestamp_ms mint, timestamp_ms maxt) {
    std::vector<std::string> out;
    auto set = *block->open_querier(mint, maxt)->select({}, {});
    while (set->next())
      out.emplace_back(set->series().get("a"));
    return out;
  };
  EXPECT_EQ(names(0, 2000), (std::vector<std::string>{"early", "late"}));
  EXPECT_EQ(names(11, 2000), std::vector<std::string>{"late"});
  ASSERT_TRUE(block->delete_series(f.fs, 900, 1100, matchers{}).ok());
  EXPECT_EQ(names(0, 2000), std::vector<std::string>{"early"});
}

// What is left of `all` when [mint, maxt] of the series that match is deleted.
flat without(const flat& all, const std::vector<test::series_data>& data, const matchers& ms,
             timestamp_ms mint, timestamp_ms maxt) {
  flat out = all;
  for (const auto& s : data) {
    const auto name = s.series.to_string();
    if (!matches_all(ms, s.series) || !out.contains(name))
      continue;
    std::erase_if(out[name], [&](const auto& r) { return r.first >= mint && r.first <= maxt; });
    if (out[name].empty())
      out.erase(name);
  }
  return out;
}

TEST(block, deletion_is_exact_durable_and_leaves_open_reads_alone) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    block_fixture f(seed);
    const auto data = test::random_series(f.random, {.series = 20, .samples = 100});
    const auto id = f.write(data)->id;
    auto expected = flatten(data);
    for (int step = 0; step < 8; ++step) {
      const auto block = *f.open(id);
      auto running = *block->select({}, min_time, max_time, nullptr);
      const auto before = expected;
      matchers ms{matcher::equal("__name__", "m" + std::to_string(f.random.below(6)))};
      if (f.random.below(2))
        ms.push_back(*matcher::make(match_op::regex, "i", "1?[0-4]"));
      const auto mint = static_cast<timestamp_ms>(f.random.below(1'500'000));
      const auto maxt = mint + static_cast<timestamp_ms>(f.random.below(400'000));
      expected = without(expected, data, ms, mint, maxt);
      const auto touched = block->delete_series(f.fs, mint, maxt, ms);
      ASSERT_TRUE(touched.ok());
      ASSERT_EQ(read_all(*block), expected) << seed << " " << step;
      ASSERT_EQ(test::drain(*running), before);
      if (step % 2)
        f.fs.crash();
    }
    ASSERT_EQ(read_all(**f.open(id)), expected);
  }
}

TEST(block, failed_deletion_changes_nothing_or_everything) {
  for (uint64_t n = 1;; ++n) {
    block_fixture f(4);
    const auto data = test::random_series(f.random, {.series = 5, .samples = 50});
    const auto id = f.write(data)->id;
    const auto before = flatten(data), after = without(before, data, {}, 0, 300'000);
    const auto block = *f.open(id);
    f.fs.fail_nth(n, n % 2 ? errc::io_error : errc::no_space, true);
    const bool ok = block->delete_series(f.fs, 0, 300'000, matchers{}).ok();
    EXPECT_EQ(read_all(*block), ok ? after : before);
    f.fs.clear_faults();
    f.fs.crash();
    const auto reopened = f.open(id);
    ASSERT_TRUE(reopened.ok()) << n;
    const auto now = read_all(**reopened);
    ASSERT_TRUE(now == after || (!ok && now == before)) << n;
    if (ok)
      break;
  }
}

TEST(block, crash_at_every_operation_leaves_a_whole_block_or_none) {
  size_t whole = 0, none = 0;
  for (uint64_t n = 1;; ++n) {
    block_fixture f(n);
    const auto data = test::random_series(f.random, {.series = 8, .samples = 30});
    f.fs.fail_nth(n, errc::io_error, true);
    const auto meta = f.write(data);
    const bool struck = f.fs.fault_struck();
    f.fs.clear_faults();
    f.fs.crash();
    const auto entries = f.fs.list("blocks");
    ASSERT_TRUE(entries.ok());
    size_t blocks = 0;
    for (const auto& e : *entries) {
      if (!is_block_id(e.name)) {
        ASSERT_TRUE(e.name.ends_with(".tmp")) << e.name;
        continue;
      }
      ++blocks;
      const auto block = f.open(e.name);
      ASSERT_TRUE(block.ok()) << n << " " << block.error().to_string();
      ASSERT_EQ(read_all(**block), flatten(data)) << n;
    }
    ASSERT_LE(blocks, 1u);
    ASSERT_TRUE(!meta.ok() || blocks == 1) << "acknowledged but not durable, operation " << n;
    ++(blocks ? whole : none);
    if (!struck)
      break;
  }
  EXPECT_GT(whole, 0u);
  EXPECT_GT(none, 5u);
}

TEST(block, full_disk_is_reported_and_cleaned_up) {
  block_fixture f(5);
  const auto data = test::random_series(f.random, {.samples = 300});
  f.fs.set_space_limit(f.fs.used_bytes() + 4000);
  EXPECT_EQ(f.write(data).code(), errc::no_space);
  EXPECT_TRUE(f.fs.list("blocks")->empty());
  f.fs.set_space_limit(0);
  EXPECT_TRUE(f.write(data).ok());
}

TEST(block, removal_takes_it_out_of_sight_while_readers_go_on) {
  block_fixture f(6);
  const auto data = test::random_series(f.random, {.samples = 50});
  const auto id = f.write(data)->id;
  const auto block = *f.open(id);
  ASSERT_TRUE(remove_block(f.fs, "blocks", id).ok());
  EXPECT_TRUE(f.fs.list("blocks")->empty());
  EXPECT_EQ(read_all(*block), flatten(data));
  f.fs.crash();
  EXPECT_FALSE(f.open(id).ok());
}

}  // namespace
}  // namespace troupe::storage
