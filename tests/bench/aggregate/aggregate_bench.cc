// What stream aggregation adds to a sample: 100,000 series in 100 groups, four samples of each an
// interval, from the decoded log to the outputs; and to a sample that no rule wants.
#include "pipeline/aggregate/stream_aggregation.h"
#include "tests/bench/time_per.h"
#include "tests/support/sim_file_system.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

namespace troupe::aggregate {
namespace {

constexpr size_t targets = 200, series_of_target = 500;
constexpr int64_t interval_ms = 60'000, scrape_ms = 15'000;
constexpr timestamp_ms start = 1'700'000'040'000;

/// A log of one shard that gives batches as they are asked for.
class made_log final : public storage::log_door {
 public:
  explicit made_log(const std::string& name) {
    for (size_t t = 0; t < targets; ++t)
      for (size_t i = 0; i < series_of_target; ++i) {
        const auto lset = labels::from({{"__name__", name},
                                        {"i", std::to_string(i)},
                                        {"instance", "host-" + std::to_string(t)},
                                        {"job", std::to_string(i % 100)}})
                              .packed();
        dictionary_.push_back({lset, "", static_cast<uint16_t>(t)});
      }
  }

  uint32_t shard_count() const override { return 1; }
  uint64_t epoch() const override { return 1; }
  result<std::unique_ptr<storage::log_tail>> follow(uint32_t,
                                                    const storage::log_segment&) override {
    return std::unique_ptr<storage::log_tail>(new tail(*this));
  }
  storage::log_segment end(uint32_t) const override { return {1, 1}; }
  uint64_t bytes_since(uint32_t, const storage::log_segment&) const override { return 0; }
  storage::log_segment oldest_within(uint32_t, uint64_t) const override { return {1, 1}; }
  status hold(const std::string&, uint32_t, const storage::log_segment&, uint64_t) override {
    return {};
  }
  status release(const std::string&) override { return {}; }
  std::vector<std::string> holds() const override { return {}; }

  /// The next round of all targets, to be read.
  void scrape(timestamp_ms ts) {
    ++sequence_;
    value_ += 1.5;
    ts_ = ts;
    unread_ = true;
  }

 private:
  class tail final : public storage::log_tail {
   public:
    explicit tail(made_log& log) : log_(log) {}
    result<bool> step(storage::wal_sink& sink, size_t) override {
      if (!std::exchange(log_.unread_, false))
        return true;
      storage::wal_batch b;
      b.dictionary = &log_.dictionary_;
      b.epoch = 1;
      b.sequence = log_.sequence_;
      for (size_t t = 0; t < targets; ++t) {
        b.slot = static_cast<uint16_t>(t);
        b.floats.clear();
        for (size_t i = 0; i < series_of_target; ++i)
          b.floats.push_back(
              {log_.ts_, log_.value_, static_cast<uint32_t>(t * series_of_target + i)});
        TROUPE_TRY(sink.apply(b));
      }
      return true;
    }
    storage::log_segment at() const override { return {1, 1}; }
    uint64_t last_sequence(uint16_t) const override { return log_.sequence_; }
    uint64_t samples_lost() const override { return 0; }
    uint64_t segments_missing() const override { return 0; }

   private:
    made_log& log_;
  };

  std::vector<storage::wal_series> dictionary_;
  uint64_t sequence_ = 0;
  double value_ = 0;
  timestamp_ms ts_ = 0;
  bool unread_ = false;
};

void samples(benchmark::State& state, const std::string& name, std::vector<std::string> outputs) {
  made_log log(name);
  support::sim_file_system fs(1);
  registry metrics;
  aggregation_options options;
  options.snapshot_every_ms = INT64_MAX / 2;
  stream_aggregation work(options, {&log, &fs, &metrics, "state"});
  config::aggregation_config c;
  c.name = "r";
  c.match = {"requests"};
  c.interval_ms = interval_ms;
  c.by = {"job"};
  c.outputs = std::move(outputs);
  work.apply({c});
  timestamp_ms now = start;
  size_t given = 0;
  const auto interval = [&] {
    for (int64_t i = 0; i < interval_ms / scrape_ms; ++i) {
      now += scrape_ms;
      log.scrape(now);
      work.step(now, now - 1);
    }
    for (const auto& b : work.take()) {
      given += b->floats.size();
      work.stored(b, false, 0);
    }
  };
  for (int i = 0; i < 3; ++i)
    interval();
  given = 0;
  for (auto _ : state)
    interval();
  time_per(state, "sample", targets * series_of_target * (interval_ms / scrape_ms));
  state.counters["outputs"] = static_cast<double>(given) / static_cast<double>(state.iterations());
}

BENCHMARK_CAPTURE(samples, no_rule_matches, "other", {"sum_samples"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(samples, sum, "requests", {"sum_samples"})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(samples, rate, "requests", {"rate_sum"})->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(samples, counters, "requests", {"total", "increase", "count_series"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(samples, spread, "requests", {"avg", "min", "max", "stddev"})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(samples, quantiles, "requests", {"quantiles(0.5, 0.99)"})
    ->Unit(benchmark::kMillisecond);

/// The state of 100,000 series, as it is written every five minutes.
void snapshot_of_all(benchmark::State& state) {
  config::aggregation_config c;
  c.name = "r";
  c.match = {"m"};
  c.interval_ms = interval_ms;
  c.by = {"job"};
  c.outputs = {"rate_sum"};
  aggregator a(*rule::make(c), start);
  constexpr size_t count = targets * series_of_target;
  for (size_t i = 0; i < count; ++i) {
    const auto series = labels::from({{"__name__", "m"},
                                      {"i", std::to_string(i)},
                                      {"instance", "host-" + std::to_string(i / 500)},
                                      {"job", std::to_string(i % 100)}})
                            .packed();
    for (int64_t n = 1; n <= 4; ++n)
      a.add(aggregator::no_input, series, start + n * scrape_ms, 1.0);
  }
  std::string bytes;
  for (auto _ : state) {
    bytes.clear();
    a.encode(bytes);
    benchmark::DoNotOptimize(bytes.data());
  }
  time_per(state, "series", count);
  state.counters["B/series"] = static_cast<double>(bytes.size()) / count;
}
BENCHMARK(snapshot_of_all)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace troupe::aggregate

BENCHMARK_MAIN();
