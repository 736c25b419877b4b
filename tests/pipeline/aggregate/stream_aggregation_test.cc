// Stream aggregation over a log on a simulated disk: what a killed process had begun, the next one
// ends, with the same figures.
#include "pipeline/aggregate/stream_aggregation.h"

#include "storage/base/random.h"
#include "storage/wal/wal_door.h"
#include "tests/pipeline/aggregate/reference.h"
#include "tests/storage/wal/wal_kit.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>

namespace troupe::aggregate {
namespace {

constexpr int64_t tick_ms = 200;

/// A node's log, and the aggregation over it.
class world {
 public:
  world() {
    config::aggregation_config c;
    c.name = "r";
    c.match = {"m"};
    c.interval_ms = 10'000;
    c.by = {"g"};
    c.outputs = {"sum_samples", "count_samples", "increase", "total", "rate_sum", "stddev"};
    conf = {c};
    c.name = "long";
    c.interval_ms = 120'000;
    conf.push_back(c);
    options.snapshot_every_ms = 30'000;
    log.clk.advance_ms(1'700'000'003'000 - log.clk.now_ms());
  }

  void start() {
    ASSERT_TRUE(log.start().ok());
    door = std::make_unique<storage::wal_door>(*log.dir);
    work = std::make_unique<stream_aggregation>(
        options, aggregation_environment{door.get(), &log.fs, metrics.get(), "data/aggregation"});
    work->apply(conf);
  }
  void kill() {
    under_way.clear();
    work.reset();
    door.reset();
    log.writer.reset();
    log.fs.kill();
  }

  /// A sample of each of `series` series of the name at `ts`.
  void write(timestamp_ms ts, const std::vector<double>& values, const std::string& name = "m") {
    std::vector<labels> series;
    for (size_t i = 0; i < values.size(); ++i)
      series.push_back(
          labels::from({{"__name__", name}, {"g", std::to_string(i % 3)}, {"i", std::to_string(i)}})
              .packed());
    ASSERT_TRUE(
        log.writer->append(storage::simple_batch(storage::table_of(series), ts, values)).ok());
    ASSERT_TRUE(log.writer->commit().ok());
    for (size_t i = 0; i < values.size() && name == "m"; ++i)
      written[series[i]][ts] = values[i];
  }
  void store(const batch_ptr& b) {
    ASSERT_EQ(b->group, stream_aggregation::batch_group());
    for (const auto& f : b->floats) {
      const auto [at, fresh] =
          got.try_emplace({b->table->series[f.series].to_string(), f.ts}, f.value);
      EXPECT_EQ(std::bit_cast<uint64_t>(at->second), std::bit_cast<uint64_t>(f.value))
          << at->first.first << " " << f.ts;
    }
    // What is stored is in the log, too.
    write_batch copy = *b;
    ASSERT_TRUE(log.writer->append(copy).ok());
    ASSERT_TRUE(log.writer->commit().ok());
  }
  void answer(bool again = false) {
    for (const auto& b : std::exchange(under_way, {})) {
      if (!again)
        store(b);
      work->stored(b, again, 0);
    }
  }
  void tick() {
    const timestamp_ms now = log.clk.now_ms();
    while (work->step(now, now - lag_ms)) {
    }
    for (const auto& b : work->take())
      under_way.push_back(b);
  }
  /// Time passes, everything is stored.
  void pass(int64_t ms) {
    for (int64_t t = 0; t < ms; t += tick_ms) {
      log.clk.advance_ms(tick_ms);
      tick();
      answer();
    }
  }
  double metric(const std::string& name) {
    const std::string text = metrics->render();
    const std::string start = "\ntroupe_stream_aggregation_" + name;
    const size_t at = text.find(start);
    return at == std::string::npos ? -1 : std::stod(text.substr(text.find(' ', at + 2)));
  }

  storage::log_fixture log{1};
  std::unique_ptr<storage::wal_door> door;
  std::unique_ptr<registry> metrics = std::make_unique<registry>();
  std::vector<config::aggregation_config> conf;
  aggregation_options options;
  std::unique_ptr<stream_aggregation> work;
  std::vector<batch_ptr> under_way;
  outputs_by_time got;
  series_samples written;
  int64_t lag_ms = 1'000;
};

class StreamAggregation : public testing::Test, protected world {};

TEST_F(StreamAggregation, OutputsComeWhenTheirSamplesAreThere) {
  start();
  pass(400);
  const timestamp_ms begun = log.clk.now_ms() - 200;
  for (int i = 0; i < 20; ++i) {
    write(log.clk.now_ms(), {1.0 * i, 2.0 * i, 4.0 * i, 8.0 * i});
    write(log.clk.now_ms(), {1}, "other");
    pass(2'000);
  }
  pass(10'000);
  for (const auto& c : conf) {
    const auto expected = reference_outputs(c, written, begun, log.clk.now_ms() - lag_ms);
    EXPECT_EQ(expected.empty(), c.name == "long");
    for (const auto& [key, value] : expected) {
      if (std::find_if(c.outputs.begin(), c.outputs.end(), [&](const auto& o) {
            return key.first.find("_" + o + "{") != std::string::npos;
          }) != c.outputs.end()) {
        EXPECT_NEAR(got[key], value, 1e-9) << key.first;
      }
    }
  }
  EXPECT_EQ(metric("late_samples_total{rule=\"r\"}"), 0);
  EXPECT_EQ(metric("samples_total{rule=\"r\"}"), 80);
  EXPECT_EQ(metric("inputs{rule=\"r\"}"), 4);
}

TEST_F(StreamAggregation, AnIntervalWaitsForItsSamplesOnlySoLong) {
  conf.resize(1);
  conf[0].max_wait_ms = 5'000;
  start();
  lag_ms = 1'000'000;  // some sender is silent
  pass(20'000);
  const timestamp_ms end = (log.clk.now_ms() / 10'000 + 1) * 10'000;
  write(end - 10, {1});
  pass(end - log.clk.now_ms() + 4'800);
  EXPECT_EQ(got.size(), 0u);
  write(end - 20, {2});
  pass(400);
  EXPECT_EQ((got[{"m:10s_by_g_count_samples{g=\"0\"}", end}]), 2);
  write(end - 30, {3});
  pass(20'000);
  EXPECT_EQ(metric("late_samples_total{rule=\"r\"}"), 1);
  EXPECT_GT(metric("forced_intervals_total{rule=\"r\"}"), 0);
  EXPECT_EQ((got[{"m:10s_by_g_count_samples{g=\"0\"}", end}]), 2);
}

TEST_F(StreamAggregation, AfterAStartTheMissedIntervalsWaitForTheirSenders) {
  conf.resize(1);
  start();
  pass(30'000);
  kill();
  log.clk.advance_ms(100'000);  // the node is down, a sender keeps its samples
  start();
  lag_ms = 1'000'000;
  pass(60'000);
  const timestamp_ms missed = log.clk.now_ms() / 10'000 * 10'000 - 100'000;
  write(missed - 10, {7});
  lag_ms = 1'000;
  pass(1'000);
  EXPECT_EQ((got[{"m:10s_by_g_sum_samples{g=\"0\"}", missed}]), 7);
  EXPECT_EQ(metric("late_samples_total{rule=\"r\"}"), 0);
}

TEST_F(StreamAggregation, WhatCannotBeStoredIsOfferedAgain) {
  conf.resize(1);
  start();
  pass(20'000);
  write(log.clk.now_ms(), {1});
  for (int i = 0; i < 60; ++i) {
    log.clk.advance_ms(tick_ms);
    tick();
    answer(true);
  }
  EXPECT_EQ(got.size(), 0u);
  kill();
  start();
  pass(1'000);
  EXPECT_EQ(got.size(), 5u) << "all but rate_sum";
}

TEST_F(StreamAggregation, RulesComeAndGoWithTheConfiguration) {
  const auto both = conf;
  conf.resize(1);
  start();
  pass(20'000);
  write(log.clk.now_ms(), {1, 2, 3});
  work->apply(both);
  pass(300'000);
  EXPECT_EQ((got.begin()->first.first), "m:10s_by_g_count_samples{g=\"0\"}");
  const size_t before = got.size();
  work->apply({both[1]});
  write(log.clk.now_ms(), {1, 2, 3});
  pass(10'000);
  kill();
  conf = {both[1]};
  start();
  pass(300'000);
  EXPECT_EQ(got.size(), before + 3 * 6) << "three groups of the long rule, total goes on";
  work->apply({});
  pass(1'000);
  EXPECT_TRUE(door->holds().empty());
  EXPECT_FALSE(log.fs.exists("data/aggregation/state"));
}

TEST_F(StreamAggregation, ADamagedStateBeginsAnew) {
  start();
  pass(10'000);
  kill();
  log.fs.put("data/aggregation/state", "what is this");
  start();
  pass(1'000);
  EXPECT_EQ(metric("errors_total"), 1);
  kill();
  start();
  pass(30'000);
  EXPECT_EQ(metric("errors_total"), 1);
}

/// Twenty minutes of samples, each up to `latest_ms` late; with `kills` the process dies now and
/// then, between steps and answers.
void run(world& w, uint64_t seed, bool kills, uint64_t latest_ms) {
  seeded_random values(seed), accidents(seed + 1'000);
  const auto chance = [&](uint64_t one_in) { return accidents.next() % one_in == 0; };
  w.start();
  w.tick();
  std::multimap<timestamp_ms, std::pair<timestamp_ms, std::vector<double>>> arrivals;
  std::vector<double> row(7);
  const timestamp_ms begun = w.log.clk.now_ms();
  for (int round = 0; round < 20 * 60 * 5; ++round) {
    // A start takes a second: the clock is ahead of the senders then.
    const timestamp_ms now = begun + round * tick_ms;
    w.log.clk.advance_ms(std::max<int64_t>(0, now - w.log.clk.now_ms()));
    if (round % 10 == 0) {
      for (double& v : row)
        v = values.next() % 50 == 0 ? 0 : v + static_cast<double>(values.next() % 1'000) / 7;
      arrivals.emplace(now + static_cast<int64_t>(values.next() % latest_ms), std::pair(now, row));
    }
    while (!arrivals.empty() && arrivals.begin()->first <= now) {
      const auto [ts, v] = arrivals.begin()->second;
      arrivals.erase(arrivals.begin());
      w.write(ts, v);
    }
    w.tick();
    if (kills && chance(200)) {
      // Some of what is under way is stored, and nobody hears of it.
      for (const auto& b : w.under_way)
        if (chance(2))
          w.store(b);
      w.kill();
      w.start();
      w.tick();
    }
    w.answer();
  }
}

class Killed : public testing::TestWithParam<uint64_t> {};

TEST_P(Killed, OutputsEqualThoseOfARunWithoutABreak) {
  world broken, whole;
  broken.lag_ms = whole.lag_ms = 10'000;
  run(broken, GetParam(), true, 3'000);
  run(whole, GetParam(), false, 3'000);
  EXPECT_EQ(broken.metric("late_samples_total{rule=\"r\"}"), 0);
  EXPECT_GT(whole.got.size(), 1'000u);
  EXPECT_EQ(broken.got, whole.got);
}

TEST_P(Killed, WhatWasGivenOnceNeverChanges) {
  world broken;
  broken.lag_ms = 2'000;
  run(broken, GetParam(), true, 6'000);  // store() compares
  EXPECT_GT(broken.metric("late_samples_total{rule=\"r\"}"), 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, Killed, testing::Range<uint64_t>(1, 6));

}  // namespace
}  // namespace troupe::aggregate
