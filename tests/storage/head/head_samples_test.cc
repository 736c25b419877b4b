#include "storage/head/head_samples.h"

#include "storage/base/fault_twin.h"
#include "storage/base/random.h"
#include "storage/head/series_map.h"
#include "tests/storage/head/reference_series.h"

#include <gtest/gtest.h>

#include <limits>
#include <thread>

namespace troupe::storage {
namespace {

constexpr int64_t range = 7'200'000;

// A series, and others of its target beside it.
class test_series {
 public:
  explicit test_series(int64_t range_ms = range) : samples_(range_ms, 4096) {
    for (int n = 0; n < 3; ++n) {
      series_.push_back(&map_.create(labels::from({{"n", std::to_string(n)}})));
      samples_.join(*series_.back(), 7);
    }
  }
  insert_result insert(timestamp_ms ts, double value, timestamp_ms start_ts, size_t n = 0) {
    page_guard guard;
    return samples_.insert(*series_[n], ts, value, start_ts, guard);
  }
  insert_result insert(sample_columns::histogram_row row) {
    return samples_.insert(*series_[0], std::move(row));
  }
  held_sample holds(timestamp_ms ts, const reference_sample& s) {
    return s.hist ? samples_.holds(*series_[0], {ts, s.start_ts, s.hist})
                  : samples_.holds(*series_[0], ts, s.value, s.start_ts);
  }
  void erase(timestamp_ms mint, timestamp_ms maxt) { samples_.erase(*series_[0], mint, maxt); }
  std::set<timestamp_ms> cut(timestamp_ms bound) {
    samples_.begin_cut(bound);
    std::set<timestamp_ms> ranges, ignored;
    samples_.seal(*series_[0], ranges);
    samples_.seal(*series_[1], ignored);
    samples_.seal(*series_[2], ignored);
    return ranges;
  }
  void release() { samples_.release_cut(); }
  sample_columns read(timestamp_ms mint = min_time, timestamp_ms maxt = max_time,
                      size_t n = 0) const {
    series_snapshot snapshot;
    sample_columns out;
    EXPECT_TRUE(samples_.snapshot(*series_[n], mint, maxt, snapshot).ok());
    EXPECT_TRUE(snapshot.read(mint, maxt, out).ok());
    return out;
  }
  sample_columns read_set_aside() const {
    sample_columns out;
    EXPECT_TRUE(set_aside().read(min_time, max_time, out).ok());
    return out;
  }
  series_snapshot set_aside() const {
    series_snapshot snapshot;
    EXPECT_TRUE(samples_.snapshot_set_aside(*series_[0], min_time, max_time, snapshot).ok());
    return snapshot;
  }
  uint32_t chunks() const { return samples_.chunk_count(*series_[0]); }
  auto time_range() const { return samples_.time_range(*series_[0]); }
  const head_samples& samples() const { return samples_; }

 private:
  head_samples samples_;
  series_map map_;
  std::vector<head_series*> series_;
};

std::unique_ptr<test_series> make_series(int64_t range_ms = range) {
  return std::make_unique<test_series>(range_ms);
}

TEST(head_samples, keeps_every_bit) {
  auto s = make_series();
  const double inf = std::numeric_limits<double>::infinity();
  const double values[] = {0.0,
                           -0.0,
                           1.5,
                           inf,
                           -inf,
                           stale_nan(),
                           normal_nan(),
                           std::bit_cast<double>(0x7ff8dead'beef0001ULL),
                           std::bit_cast<double>(0xfff8000000000000ULL),
                           std::numeric_limits<double>::denorm_min()};
  std::vector<uint64_t> want, got;
  for (int round = 0; round < 30; ++round)
    for (const double v : values) {
      s->insert(static_cast<timestamp_ms>(want.size()) * 15'000, v, no_start_timestamp);
      want.push_back(std::bit_cast<uint64_t>(v));
    }
  for (const double v : s->read().values)
    got.push_back(std::bit_cast<uint64_t>(v));
  EXPECT_EQ(got, want);
}

TEST(head_samples, tells_what_became_of_a_sample) {
  auto s = make_series();
  EXPECT_EQ(s->insert(1000, 1.0, 0), insert_result::stored);
  EXPECT_EQ(s->insert(1000, 1.0, 0), insert_result::duplicate);
  EXPECT_EQ(s->insert(1000, 2.0, 0), insert_result::conflict);
  EXPECT_EQ(s->insert(1000, 1.0, 0), insert_result::conflict);
  EXPECT_EQ(s->insert(2000, 5.0, 0), insert_result::stored);
  EXPECT_EQ(s->insert(1500, 7.0, 0), insert_result::stored_out_of_order);
  EXPECT_EQ(s->insert(500, 7.0, 0), insert_result::stored_out_of_order);
  EXPECT_EQ(s->insert(500, 7.0, 0), insert_result::duplicate);
  EXPECT_EQ(s->insert({2000, 0, test_histogram(1)}), insert_result::conflict);
  EXPECT_EQ(s->insert(2000, 9.0, 0), insert_result::conflict);
  const auto got = s->read();
  EXPECT_EQ(got.ts, (std::vector<timestamp_ms>{500, 1000, 1500}));
  EXPECT_EQ(got.values, (std::vector<double>{7, 2, 7}));
  ASSERT_EQ(got.histograms.size(), 1u);
  EXPECT_EQ(got.histograms[0].ts, 2000);
}

// Random operations against the model, over many seeds and data shapes.
class series_model {
 public:
  explicit series_model(uint64_t seed)
      : random_(seed), range_(random_.below(3) == 0 ? 1000 : 100'000) {
    series_ = make_series(range_);
  }

  void step() {
    const uint64_t what = random_.below(200);
    if (what < 2)
      erase();
    else if (what < 4)
      seal();
    else
      insert();
  }

  void check() {
    const timestamp_ms a = pick_ts(), b = pick_ts();
    compare(std::min(a, b), std::max(a, b));
    compare(min_time, max_time);
    const auto r = series_->time_range();
    ASSERT_EQ(r.has_value(), !live().empty());
    if (r) {
      EXPECT_EQ(r->first, live().begin()->first);
      EXPECT_EQ(r->second, live().rbegin()->first);
    }
  }

 private:
  timestamp_ms pick_ts() {
    return random_.below(4) == 0 ? static_cast<timestamp_ms>(random_.below(3000)) * 10 - 200
                                 : newest_ - static_cast<timestamp_ms>(random_.below(60)) * 10;
  }

  void insert() {
    timestamp_ms ts = newest_ + 10;
    if (random_.below(3) == 0)
      ts = pick_ts();
    newest_ = std::max(newest_, ts);
    reference_sample s;
    if (random_.below(10) == 0)
      s.hist = test_histogram(static_cast<double>(random_.below(3)));
    else
      s.value = random_.below(20) == 0 ? stale_nan() : static_cast<double>(random_.below(4)) - 1;
    if (random_.below(8) == 0)
      s.start_ts = ts - static_cast<timestamp_ms>(random_.below(3));
    const auto before = model_.range(ts, ts);
    const auto want = model_.insert(ts, s);
    // What would change nothing is held; and that is all that is.
    const held_sample held = series_->holds(ts, s);
    ASSERT_EQ(held != held_sample::none, before == model_.range(ts, ts)) << ts;
    if (held != held_sample::none) {
      ASSERT_EQ(held == held_sample::same, before.begin()->second.same_value(s)) << ts;
    }
    const auto got = s.hist ? series_->insert({ts, s.start_ts, s.hist})
                            : series_->insert(ts, s.value, s.start_ts);
    const bool stored = got == insert_result::stored || got == insert_result::stored_out_of_order;
    ASSERT_TRUE(stored ? want == insert_result::stored : got == want) << ts;
  }

  void erase() {
    const timestamp_ms a = pick_ts(), b = pick_ts();
    series_->erase(std::min(a, b), std::max(a, b));
    model_.erase(std::min(a, b), std::max(a, b));
  }

  // Sealing hides nothing; what is sealed is exactly what lies before the bound.
  void seal() {
    // Bounds never go back.
    bound_ = std::max(bound_, range_start(pick_ts(), range_));
    const timestamp_ms bound = bound_;
    const std::set<timestamp_ms> ranges = series_->cut(bound);
    const sample_columns out = series_->read_set_aside();
    ASSERT_EQ(as_map(out), model_.range(min_time, bound - 1));
    for (const auto& [ts, s] : as_map(out))
      ASSERT_TRUE(ranges.contains(range_start(ts, range_)));
    compare(min_time, max_time);
    // A block takes over.
    series_->release();
    model_.erase(min_time, bound - 1);
  }

  const std::map<timestamp_ms, reference_sample>& live() const { return model_.samples(); }

  void compare(timestamp_ms mint, timestamp_ms maxt) {
    ASSERT_EQ(as_map(series_->read(mint, maxt)), model_.range(mint, maxt));
  }

  seeded_random random_;
  int64_t range_;
  std::unique_ptr<test_series> series_;
  reference_series model_;
  timestamp_ms newest_ = 0;
  timestamp_ms bound_ = min_time;
};

TEST(head_samples, agrees_with_the_model) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    series_model model(seed);
    for (int i = 0; i < 1500; ++i) {
      model.step();
      if (i % 50 == 0)
        model.check();
      if (testing::Test::HasFatalFailure())
        return;
    }
  }
}

// Three series of one target: together, with gaps, alone, several samples at once, one far ahead.
TEST(head_samples, series_of_a_target_share_timestamps) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    seeded_random random(seed);
    auto s = make_series(random.below(2) == 0 ? 100'000 : range);
    reference_series models[3];
    timestamp_ms ts = 5'000;
    const uint64_t habit = random.below(4);
    for (int round = 0; round < 700; ++round) {
      ts += 15'000 + (habit == 1 ? static_cast<timestamp_ms>(random.below(9)) : 0);
      const size_t batch = habit == 2 ? 1 + random.below(4) : 1;
      for (size_t n = 0; n < 3; ++n)
        for (size_t k = 0; k < batch; ++k) {
          if (random.below(habit == 3 ? 3 : 60) == 0)
            continue;
          timestamp_ms at = ts + static_cast<timestamp_ms>(k) * 500;
          if (random.below(100) == 0)
            at += static_cast<timestamp_ms>(random.below(40'000'000)) - 20'000'000;
          const double v = static_cast<double>(random.below(n + 1)) * 0.25;
          s->insert(at, v, no_start_timestamp, n);
          models[n].insert(at, {v, no_start_timestamp, nullptr});
        }
      ts += static_cast<timestamp_ms>(batch) * 500;
      if (random.below(100) == 0) {
        const timestamp_ms bound = range_start(ts - 300'000, 100'000) / 7'200'000 * 7'200'000;
        s->cut(bound);
        if (random.below(2) == 0) {
          s->release();
          for (auto& m : models)
            m.erase(min_time, bound - 1);
        }
      }
      for (size_t n = 0; n < 3 && round % 20 == 0; ++n) {
        ASSERT_EQ(as_map(s->read(min_time, max_time, n)), models[n].range(min_time, max_time));
      }
    }
  }
}

TEST(head_samples, a_target_costs_one_stream_of_timestamps) {
  auto s = make_series();
  for (int i = 0; i < 1000; ++i)
    for (size_t n = 0; n < 3; ++n)
      s->insert(i * 15'000, 1, no_start_timestamp, n);
  EXPECT_EQ(s->samples().open_segments(), 1u);
  // A gap: the series goes on alone until its chunk ends, then with the others again.
  const auto together = [&](int from, int to) {
    for (int i = from; i < to; ++i)
      for (size_t n = 0; n < 3; ++n)
        s->insert(i * 15'000, 1, no_start_timestamp, n);
  };
  s->insert(1000 * 15'000, 1, no_start_timestamp, 1);
  s->insert(1000 * 15'000, 1, no_start_timestamp, 2);
  together(1001, 1010);
  EXPECT_EQ(s->samples().open_segments(), 2u);
  together(1010, 1300);
  EXPECT_EQ(s->samples().open_segments(), 1u);
}

// While a cut is not released yet, late samples and conflicts meet sealed chunks.
TEST(head_samples, late_samples_beside_sealed_ones) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    seeded_random random(seed);
    auto s = make_series(1000);
    reference_series model;
    for (int i = 0; i < 300; ++i) {
      s->insert(i * 10, i % 3, 0);
      model.insert(i * 10, {static_cast<double>(i % 3), 0, nullptr});
    }
    EXPECT_EQ(s->cut(2000), (std::set<timestamp_ms>{0, 1000}));
    for (int i = 0; i < 300; ++i) {
      const auto ts = static_cast<timestamp_ms>(random.below(3100));
      const double v = static_cast<double>(random.below(4));
      const auto want = model.insert(ts, {v, 0, nullptr});
      const auto got = s->insert(ts, v, 0);
      ASSERT_EQ(got == insert_result::duplicate, want == insert_result::duplicate);
      ASSERT_EQ(got == insert_result::conflict, want == insert_result::conflict);
    }
    ASSERT_EQ(as_map(s->read()), model.range(min_time, max_time));
    s->erase(500, 1500);
    model.erase(500, 1500);
    ASSERT_EQ(as_map(s->read()), model.range(min_time, max_time));
  }
}

// Backlogs: runs in order of their own, anywhere before, between and beside what is there, repeated
// in part, while newer samples go on, ranges are cut and samples deleted.
TEST(head_samples, backlogs_in_runs) {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    seeded_random random(seed);
    auto s = make_series(10'000);
    reference_series model;
    timestamp_ms newest = 200'000;
    const auto insert = [&](timestamp_ms ts) {
      reference_sample sample{static_cast<double>(ts % 7), 0, nullptr};
      if (seed % 3 == 0 && random.below(10) == 0)
        sample = {0, 0, test_histogram(static_cast<uint64_t>(ts % 5))};
      else if (random.below(20) == 0)
        sample.value = static_cast<double>(random.below(9));
      const auto want = model.insert(ts, sample);
      const auto got =
          sample.hist ? s->insert({ts, 0, sample.hist}) : s->insert(ts, sample.value, 0);
      ASSERT_EQ(got == insert_result::duplicate, want == insert_result::duplicate) << ts;
      ASSERT_EQ(got == insert_result::conflict, want == insert_result::conflict) << ts;
    };
    for (int run = 0; run < 30; ++run) {
      const uint64_t what = random.below(12);
      const auto length = static_cast<int64_t>(1 + random.below(200));
      if (what < 4) {
        for (int64_t i = 0; i < length; ++i)
          insert(newest += 50);
      } else if (what < 10) {
        timestamp_ms ts = static_cast<timestamp_ms>(random.below(static_cast<uint64_t>(newest)));
        const auto step = static_cast<timestamp_ms>(1 + random.below(90));
        const auto again = static_cast<int64_t>(random.below(2) == 0 ? length : random.below(200));
        for (int64_t i = 0; i < length; ++i) {
          insert(ts += step);
          if (i == again)
            ts -= step * static_cast<timestamp_ms>(random.below(static_cast<uint64_t>(i + 1)));
        }
      } else if (what == 10) {
        const auto from = static_cast<timestamp_ms>(random.below(static_cast<uint64_t>(newest)));
        s->erase(from, from + 3000);
        model.erase(from, from + 3000);
      } else {
        const timestamp_ms bound = range_start(newest - 20'000, 10'000);
        s->cut(bound);
        s->release();
        model.erase(min_time, bound - 1);
      }
      if (HasFatalFailure())
        return;
      ASSERT_EQ(as_map(s->read()), model.range(min_time, max_time)) << seed << " " << run;
    }
  }
}

// A backlog that comes in order is looked up and merged with nothing: as many chunks as it needs.
TEST(head_samples, a_backlog_in_order_is_not_merged_again_and_again) {
  auto s = make_series();
  for (int i = 0; i < 480; ++i)
    s->insert(range * 100 + i * 15'000, i, 0);
  for (int i = 0; i < 4800; ++i)
    ASSERT_EQ(s->insert(range * 80 + i * 15'000, i, 0), insert_result::stored_out_of_order);
  EXPECT_EQ(s->read().ts.size(), 5280u);
  EXPECT_GE(s->chunks(), 4u + 75);
  EXPECT_LE(s->chunks(), 5u + 86) << "of 64 samples, and one more where a range ends";
}

TEST(head_samples, chunks_never_cross_a_range) {
  auto s = make_series(1000);
  for (int i = 0; i < 100; ++i)
    s->insert(i * 170, i, 0);
  s->insert(-5, 1, 0);
  EXPECT_TRUE(s->cut(17'000).contains(-1000));
  const series_snapshot set_aside = s->set_aside();
  for (const auto& c : set_aside.chunks)
    EXPECT_EQ(range_start(c.min_ts, 1000), range_start(c.max_ts, 1000));
}

TEST(head_samples, readers_see_a_prefix_while_the_writer_runs) {
  auto s = make_series(1000);
  std::atomic<bool> stop{false};
  std::vector<std::thread> readers;
  for (int r = 0; r < 2; ++r)
    readers.emplace_back([&] {
      size_t seen = 0;
      while (!stop) {
        const auto got = s->read();
        ASSERT_GE(got.ts.size(), seen);
        for (size_t i = 0; i < got.ts.size(); ++i)
          ASSERT_EQ(got.ts[i], static_cast<timestamp_ms>(i) * 7);
        seen = got.ts.size();
      }
    });
  for (int i = 0; i < 20'000; ++i)
    s->insert(i * 7, i, 0);
  stop = true;
  for (auto& t : readers)
    t.join();
}

#ifdef TROUPE_FAULT_TWINS
TEST(head_samples, planted_bugs_show) {
  const auto with = [](fault_twin twin, auto body) {
    active_fault_twin = twin;
    auto s = make_series();
    body(*s);
    active_fault_twin = fault_twin::none;
    return as_map(s->read());
  };
  const auto twice = with(fault_twin::apply_twice, [](test_series& s) {
    s.insert(10, 1, 0);
    s.insert(10, 1, 0);
  });
  EXPECT_EQ(twice.size(), 2u);
  const auto first = with(fault_twin::conflict_first_wins, [](test_series& s) {
    s.insert(10, 1, 0);
    s.insert(10, 2, 0);
  });
  EXPECT_EQ(first.at(10).value, 1);
}
#endif

}  // namespace
}  // namespace troupe::storage
