#include "storage/chunk/columns.h"

#include "storage/base/fault_twin.h"
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

void expect_well_formed(const sample_columns& c) {
  ASSERT_EQ(c.ts.size(), c.values.size());
  ASSERT_TRUE(c.start_ts.empty() || c.start_ts.size() == c.ts.size());
  for (size_t i = 1; i < c.ts.size(); ++i)
    ASSERT_LT(c.ts[i - 1], c.ts[i]);
  for (size_t i = 1; i < c.histograms.size(); ++i)
    ASSERT_LT(c.histograms[i - 1].ts, c.histograms[i].ts);
}

// One sample as the reference keeps it.
struct offer {
  double value = 0;
  timestamp_ms start = 0;
  histogram_ptr hist;
};

std::string bytes_of(const histogram_ptr& h) {
  std::string out;
  h->encode(out);
  return out;
}

// The rule, written out: histogram over float, value order, then later start.
bool beats(const offer& a, const offer& b) {
  if ((a.hist != nullptr) != (b.hist != nullptr))
    return a.hist != nullptr;
  if (a.hist) {
    if (const auto x = bytes_of(a.hist), y = bytes_of(b.hist); x != y)
      return x > y;
  } else if (std::bit_cast<uint64_t>(a.value) != std::bit_cast<uint64_t>(b.value)) {
    return troupe::loses_against(b.value, a.value);
  }
  return a.start > b.start;
}

sample_columns random_input(random_source& random, std::map<timestamp_ms, offer>& reference,
                            uint64_t& offered) {
  sample_columns c;
  timestamp_ms ts = static_cast<timestamp_ms>(random.below(50));
  const bool disjoint = random.below(3) == 0;
  if (disjoint)
    ts += static_cast<timestamp_ms>(random.below(10) * 1000);
  for (size_t i = 0, n = random.below(30); i < n; ++i) {
    ts += 1 + static_cast<timestamp_ms>(random.below(3));
    offer o;
    o.start = random.below(3) ? 0 : static_cast<timestamp_ms>(random.below(5));
    if (random.below(4) == 0) {
      o.hist = test::random_histogram(random);
      c.histograms.push_back({ts, o.start, o.hist});
    } else {
      o.value = test::random_value(random, random.below(2) ? 5 : 1, 0);
      append_float(c, ts, o.value, o.start);
    }
    ++offered;
    const auto [at, fresh] = reference.try_emplace(ts, o);
    if (!fresh && beats(o, at->second))
      at->second = o;
  }
  return c;
}

TEST(columns, merge_agrees_with_the_rule_in_every_order) {
  seeded_random random(1);
  for (int round = 0; round < 2000; ++round) {
    std::map<timestamp_ms, offer> reference;
    uint64_t offered = 0;
    std::vector<sample_columns> inputs;
    for (size_t i = 0, n = random.below(6); i < n; ++i)
      inputs.push_back(random_input(random, reference, offered));
    sample_columns expected;
    for (const auto& [ts, o] : reference) {
      if (o.hist)
        expected.histograms.push_back({ts, o.start, o.hist});
      else
        append_float(expected, ts, o.value, o.start);
    }
    for (int order = 0; order < 3; ++order) {
      sample_columns out;
      append_float(out, 1, 1);  // is replaced
      const auto counts = merge_columns(inputs, out);
      expect_well_formed(out);
      ASSERT_EQ(flat_of(out), flat_of(expected)) << round;
      ASSERT_EQ(counts.duplicates + counts.conflicts, offered - reference.size());
      for (size_t i = inputs.size(); i > 1; --i)
        std::swap(inputs[i - 1], inputs[random.below(i)]);
    }
  }
}

TEST(columns, merge_counts_duplicates_and_conflicts_apart) {
  std::vector<sample_columns> in(3);
  append_float(in[0], 1, 5);
  append_float(in[0], 2, 5);
  append_float(in[1], 1, 5, 9);
  append_float(in[1], 2, 6);
  append_float(in[2], 2, stale_nan());
  sample_columns out;
  const auto counts = merge_columns(in, out);
  EXPECT_EQ(counts.duplicates, 1u);
  EXPECT_EQ(counts.conflicts, 2u);
  EXPECT_EQ(out.values, (std::vector<double>{5, 6}));
  EXPECT_EQ(out.start_ts, (std::vector<timestamp_ms>{9, 0}));
}

TEST(columns, intervals_behave_like_a_set_of_points) {
  seeded_random random(2);
  for (int round = 0; round < 1000; ++round) {
    time_intervals intervals;
    std::vector<bool> points(60);
    for (size_t i = 0, n = random.below(8); i < n; ++i) {
      const auto a = static_cast<timestamp_ms>(random.below(60));
      const auto b = std::min<timestamp_ms>(59, a + static_cast<timestamp_ms>(random.below(10)));
      add_interval(intervals, {a, b});
      for (auto t = a; t <= b; ++t)
        points[static_cast<size_t>(t)] = true;
    }
    for (size_t i = 0; i < intervals.size(); ++i) {
      ASSERT_LE(intervals[i].min, intervals[i].max);
      ASSERT_TRUE(i == 0 || intervals[i].min > intervals[i - 1].max + 1);
    }
    sample_columns c;
    for (timestamp_ms t = 0; t < 60; ++t) {
      ASSERT_EQ(contains(intervals, t), points[static_cast<size_t>(t)]);
      if (t % 3)
        append_float(c, t, static_cast<double>(t), t % 2);
      else
        c.histograms.push_back({t, 0, std::make_shared<histogram>()});
    }
    const size_t keep_floats = random.below(20), keep_rows = random.below(10);
    const auto before = c;
    remove_intervals(intervals, c, keep_floats, keep_rows);
    expect_well_formed(c);
    sample_columns expected;
    for (size_t i = 0; i < before.ts.size(); ++i)
      if (i < keep_floats || !points[static_cast<size_t>(before.ts[i])])
        append_float(expected, before.ts[i], before.values[i], before.start_ts[i]);
    for (size_t i = 0; i < before.histograms.size(); ++i)
      if (i < keep_rows || !points[static_cast<size_t>(before.histograms[i].ts)])
        expected.histograms.push_back(before.histograms[i]);
    ASSERT_EQ(flat_of(c), flat_of(expected));
  }
}

TEST(columns, intervals_reach_the_ends_of_time) {
  time_intervals i;
  add_interval(i, {5, max_time});
  add_interval(i, {min_time, -5});
  EXPECT_EQ(i, (time_intervals{{min_time, -5}, {5, max_time}}));
  add_interval(i, {3, 2});
  EXPECT_EQ(i.size(), 2u);
  add_interval(i, {-4, 4});
  EXPECT_EQ(i, (time_intervals{{min_time, max_time}}));
}

#ifdef TROUPE_FAULT_TWINS
TEST(columns, overreaching_tombstone_is_noticed) {
  sample_columns c;
  for (timestamp_ms t = 0; t < 5; ++t)
    append_float(c, t, 0);
  active_fault_twin = fault_twin::tombstone_overreach;
  remove_intervals({{1, 2}}, c);
  active_fault_twin = fault_twin::none;
  EXPECT_EQ(c.ts, (std::vector<timestamp_ms>{0, 4})) << "the twin must differ from {0, 3, 4}";
}
#endif

}  // namespace
}  // namespace troupe::storage
