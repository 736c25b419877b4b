#include "storage/compact/compactor.h"

#include "storage/base/fault_twin.h"
#include "storage/block/series_stats.h"
#include "storage/chunk/series_merge.h"
#include "tests/storage/block/block_fixture.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

using test::block_fixture;
using test::flat;

// The merge of plain data: the columns of each series through merge_columns, which has its own
// test.
flat merged(const std::vector<std::vector<test::series_data>>& inputs) {
  std::map<std::string, std::vector<sample_columns>> by_series;
  for (const auto& input : inputs)
    for (const auto& s : input)
      by_series[s.series.to_string()].push_back(s.columns);
  flat out;
  for (const auto& [name, columns] : by_series) {
    sample_columns all;
    merge_columns(columns, all);
    test::flatten(name, all, out);
  }
  return out;
}

std::vector<std::vector<test::series_data>> random_inputs(random_source& random) {
  std::vector<std::vector<test::series_data>> out;
  for (size_t i = 0, n = 1 + random.below(5); i < n; ++i) {
    const auto from = static_cast<timestamp_ms>(random.below(3) * 600'000);
    out.push_back(test::random_series(random, {.series = 1 + random.below(12),
                                               .samples = 1 + random.below(60),
                                               .from = from,
                                               .job = random.below(2) ? "j" : "k"}));
    if (random.below(3) == 0)
      for (auto& d : test::classic_histograms(
               random, {.hosts = 1, .samples = 1 + random.below(60), .from = from}))
        out.back().push_back(std::move(d));
  }
  return out;
}

// Gives the runs of its series that lie between two times as summaries where it may.
class summarizing_set final : public series_set {
 public:
  summarizing_set(std::vector<test::series_data> data, size_t run)
      : all_(std::move(data)), run_(run) {}
  bool next() override { return all_.next(); }
  const labels& series() const override { return all_.series(); }
  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) override {
    return all_.read(mint, maxt, out);
  }
  status read_summarized(timestamp_ms mint, timestamp_ms maxt, sample_columns& out,
                         std::vector<sample_summary>& runs) override {
    sample_columns c;
    TROUPE_TRY(read(mint, maxt, c));
    const auto s = series_stats_of(c.values);
    if (run_ < 4 || c.ts.size() < run_ || !c.histograms.empty() || !s)
      return read(mint, maxt, out);
    runs.push_back({c.ts.front(), c.ts.back(), c.ts.size(), s->first, s->last, s->min, s->max});
    return {};
  }

 private:
  test::data_series_set all_;
  const size_t run_;
};

// Samples and summaries of a merge beside its samples alone.
TEST(merge_series, summaries_stand_for_all_samples_in_their_ranges) {
  seeded_random random(9);
  size_t summaries = 0, read_after_all = 0;
  for (int round = 0; round < 400; ++round) {
    const auto inputs = random_inputs(random);
    std::vector<std::unique_ptr<series_set>> plain, summarizing;
    for (const auto& input : inputs) {
      plain.push_back(std::make_unique<test::data_series_set>(input));
      summarizing.push_back(std::make_unique<summarizing_set>(input, random.below(12)));
    }
    const auto want = merge_series(std::move(plain)), got = merge_series(std::move(summarizing));
    while (want->next()) {
      ASSERT_TRUE(got->next());
      const timestamp_ms mint = random.below(2) ? min_time : 300'000;
      sample_columns all, some;
      std::vector<sample_summary> runs;
      ASSERT_TRUE(want->read(mint, max_time, all).ok());
      ASSERT_TRUE(got->read_summarized(mint, max_time, some, runs).ok());
      if (runs.empty())
        ++read_after_all;
      for (const auto& run : runs) {
        ++summaries;
        sample_columns inside;
        ASSERT_TRUE(want->read(run.first_ts, run.last_ts, inside).ok());
        ASSERT_TRUE(inside.histograms.empty());
        ASSERT_EQ(inside.ts.size(), run.count);
        const auto s = series_stats_of(inside.values);
        ASSERT_TRUE(s);
        EXPECT_EQ(std::tie(s->first, s->last, s->min, s->max),
                  std::tie(run.first, run.last, run.min, run.max));
        remove_intervals({{run.first_ts, run.last_ts}}, all);
      }
      flat left, expected;
      test::flatten("s", some, left);
      test::flatten("s", all, expected);
      ASSERT_EQ(left, expected);
      EXPECT_TRUE(std::is_sorted(runs.begin(), runs.end(), [](const auto& a, const auto& b) {
        return a.last_ts < b.first_ts;
      }));
    }
    EXPECT_FALSE(got->next());
  }
  EXPECT_GT(summaries, 300u);
  EXPECT_GT(read_after_all, 300u);
}

TEST(merge_series, agrees_with_merging_each_series) {
  seeded_random random(1);
  for (int round = 0; round < 300; ++round) {
    const auto inputs = random_inputs(random);
    std::vector<std::unique_ptr<series_set>> sources;
    for (const auto& input : inputs)
      sources.push_back(std::make_unique<test::data_series_set>(input));
    const auto set = merge_series(std::move(sources));
    flat got;
    labels before;
    while (set->next()) {
      ASSERT_TRUE(before < set->series());
      before = set->series();
      sample_columns c;
      // In two halves: the second appends to the first.
      ASSERT_TRUE(set->read(min_time, 700'000, c).ok());
      ASSERT_TRUE(set->read(700'001, max_time, c).ok());
      test::flatten(before.to_string(), c, got);
    }
    ASSERT_TRUE(set->error().ok());
    ASSERT_EQ(got, merged(inputs));
  }
  EXPECT_FALSE(merge_series({})->next());
}

class failing_set final : public series_set {
 public:
  bool next() override { return false; }
  const labels& series() const override { return none_; }
  status read(timestamp_ms, timestamp_ms, sample_columns&) override { return {}; }
  status error() const override { return {errc::io_error, "gone"}; }

 private:
  labels none_;
};

TEST(merge_series, a_failing_source_fails_the_whole) {
  seeded_random random(1);
  std::vector<std::unique_ptr<series_set>> sources;
  sources.push_back(std::make_unique<test::data_series_set>(test::random_series(random, {})));
  sources.push_back(std::make_unique<failing_set>());
  const auto set = merge_series(std::move(sources));
  while (set->next()) {
  }
  EXPECT_EQ(set->error().code(), errc::io_error);
  block_fixture f(1);
  block_spec spec;
  spec.id = make_block_id(f.clk, f.random);
  spec.max_time = test::day;
  failing_set alone;
  EXPECT_EQ(write_block(f.fs, "blocks", spec, alone).code(), errc::io_error);
  EXPECT_TRUE(f.fs.list("blocks")->empty());
}

TEST(compactor, result_is_the_merge_whatever_the_order) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    block_fixture f(seed);
    const auto inputs = random_inputs(f.random);
    std::vector<std::shared_ptr<block_reader>> parents;
    for (const auto& input : inputs)
      parents.push_back(*f.open(f.write(input)->id));
    const auto id = make_block_id(f.clk, f.random);
    std::map<std::string, std::string> first;
    for (int order = 0; order < 3; ++order) {
      const auto spec = merged_spec(parents, id);
      const auto meta = compact_blocks(f.fs, "blocks", spec, parents);
      ASSERT_TRUE(meta.ok()) << meta.error().to_string();
      EXPECT_EQ(meta->level, parents.size() > 1 ? 2u : 1u);
      EXPECT_EQ(meta->parents.size(), parents.size());
      EXPECT_EQ(meta->sources, meta->parents);
      const auto child = *f.open(id);
      ASSERT_EQ(test::read_all(*child), merged(inputs));
      std::map<std::string, std::string> files;
      for (const auto& path : f.fs.files("blocks/" + id + "/"))
        files[path] = f.fs.content(path);
      EXPECT_EQ(files.size(), 4u);
      if (order == 0)
        first = files;
      ASSERT_TRUE(files == first) << "bytes depend on the order of inputs, seed " << seed;
      ASSERT_TRUE(remove_block(f.fs, "blocks", id).ok());
      for (size_t i = parents.size(); i > 1; --i)
        std::swap(parents[i - 1], parents[f.random.below(i)]);
    }
  }
}

TEST(compactor, drops_what_tombstones_delete) {
  block_fixture f(3);
  const auto data = test::random_series(f.random, {.samples = 50});
  const auto parent = *f.open(f.write(data)->id);
  ASSERT_TRUE(parent->delete_series(f.fs, 0, 300'000, matchers{}).ok());
  const auto expected = test::read_all(*parent);
  const std::vector<std::shared_ptr<block_reader>> parents{parent};
  const auto id = make_block_id(f.clk, f.random);
  ASSERT_TRUE(compact_blocks(f.fs, "blocks", merged_spec(parents, id), parents).ok());
  const auto child = *f.open(id);
  EXPECT_EQ(test::read_all(*child), expected);
  EXPECT_EQ(child->tombstoned_series(), 0u);
  EXPECT_EQ(child->meta().samples, test::count_samples(expected));
}

TEST(compactor, linked_buckets_are_merged_deleted_and_written_again) {
  block_fixture f(4);
  const auto early = test::classic_histograms(f.random, {.samples = 200, .stale = true});
  const auto late =
      test::classic_histograms(f.random, {.samples = 300, .from = 200 * 15'000, .jitter_ms = 5});
  std::vector<std::shared_ptr<block_reader>> parents{*f.open(f.write(early)->id),
                                                     *f.open(f.write(late)->id)};
  const auto rewrite = [&] {
    const auto id = make_block_id(f.clk, f.random);
    const auto meta = compact_blocks(f.fs, "blocks", merged_spec(parents, id), parents);
    EXPECT_TRUE(meta.ok());
    parents = {*f.open(id)};
    return *meta;
  };
  auto meta = rewrite();
  EXPECT_GT(meta.linked_chunks, meta.chunks / 3);
  EXPECT_EQ(test::read_all(*parents[0]), merged({early, late}));
  // Of one bucket everything, of another an hour: their neighbours stay.
  auto& block = *parents[0];
  ASSERT_TRUE(block.delete_series(f.fs, 0, test::day, matchers{matcher::equal("le", "0.1")}).ok());
  ASSERT_TRUE(block.delete_series(f.fs, 0, 3'600'000, matchers{matcher::equal("le", "2.5")}).ok());
  const auto left = test::read_all(block);
  EXPECT_EQ(left.size(), (14 - 1) * 4u);
  meta = rewrite();
  EXPECT_GT(meta.linked_chunks, 0u);
  EXPECT_EQ(test::read_all(*parents[0]), left);
}

#ifdef TROUPE_FAULT_TWINS
TEST(compactor, a_lost_last_sample_is_noticed) {
  block_fixture f(3);
  const auto data = test::random_series(f.random, {.samples = 50, .histograms = false});
  const std::vector<std::shared_ptr<block_reader>> parents{*f.open(f.write(data)->id)};
  const auto id = make_block_id(f.clk, f.random);
  active_fault_twin = fault_twin::compact_drops_last;
  const auto meta = compact_blocks(f.fs, "blocks", merged_spec(parents, id), parents);
  active_fault_twin = fault_twin::none;
  ASSERT_TRUE(meta.ok());
  EXPECT_NE(test::read_all(**f.open(id)), test::flatten(data));
}
#endif

}  // namespace
}  // namespace troupe::storage
