// Append, commit and query through the two doors of the storage, on real files.
#include "query/engine/engine.h"
#include "storage/storage.h"
#include "tests/bench/time_per.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace troupe {
namespace {

/// A store in a temporary folder, removed at the end.
class bench_store {
 public:
  bench_store() {
    std::string path = "/tmp/troupe-bench-XXXXXX";
    dir_ = mkdtemp(path.data());
    storage::options o;
    o.dir = dir_ + "/data";
    o.shards = 1;
    store = std::move(*storage::storage::open(o, {fs_.get(), &clk, &metrics_, 1}));
    while (!*store->replay_step(0)) {
    }
  }
  ~bench_store() {
    store->close().ignore();
    store.reset();
    fs_->remove_all(dir_).ignore();
  }
  manual_clock clk;
  std::unique_ptr<storage::storage> store;

 private:
  std::unique_ptr<file_system> fs_ = make_posix_file_system();
  registry metrics_;
  std::string dir_;
};

series_table_ptr target_table(size_t target, size_t series) {
  std::vector<labels> all;
  for (size_t i = 0; i < series; ++i)
    all.push_back(labels::from({{"__name__", "bench_value_" + std::to_string(i % 50)},
                                {"job", "bench"},
                                {"instance", "host" + std::to_string(target) + ":9100"},
                                {"i", std::to_string(i)}}));
  return make_series_table("", std::move(all));
}

batch_ptr scrape_batch(const series_table_ptr& table, timestamp_ms ts, uint64_t n) {
  auto b = std::make_shared<write_batch>();
  b->table = table;
  b->group = table->series.front().hash();
  for (uint32_t i = 0; i < table->series.size(); ++i)
    b->floats.push_back({ts, i % 3 ? static_cast<double>(i) : static_cast<double>(n * i), i});
  return b;
}

/// Scrapes of known targets with 500 series, a commit every 16: ns per sample.
void append_known(benchmark::State& state) {
  bench_store s;
  std::vector<series_table_ptr> tables;
  for (size_t t = 0; t < 20; ++t)
    tables.push_back(target_table(t, 500));
  uint64_t round = 0, samples = 0;
  for (auto _ : state) {
    s.clk.advance_ms(15'000);
    ++round;
    for (size_t t = 0; t < tables.size(); ++t) {
      auto b = scrape_batch(tables[t], s.clk.now_ms(), round);
      benchmark::DoNotOptimize(s.store->appender(0).append(b));
      samples += b->floats.size();
    }
    s.store->appender(0).commit().ignore();
  }
  state.SetItemsProcessed(static_cast<int64_t>(samples));
  time_per_of(state, "sample", static_cast<double>(samples));
}
BENCHMARK(append_known);

struct query_fixture {
  query_fixture() : engine(query::engine_options(), s.clk) {
    for (size_t t = 0; t < 16; ++t)
      tables.push_back(target_table(t, 50));
    for (uint64_t n = 0; n < 480; ++n) {
      s.clk.advance_ms(15'000);
      for (auto& t : tables)
        s.store->appender(0).append(scrape_batch(t, s.clk.now_ms(), n)).value();
      s.store->appender(0).commit().ignore();
    }
  }
  bench_store s;
  query::engine engine;
  std::vector<series_table_ptr> tables;
};

query_fixture& fixture() {
  static query_fixture f;
  return f;
}

void instant_sum_800_series(benchmark::State& state) {
  auto& f = fixture();
  for (auto _ : state)
    benchmark::DoNotOptimize(
        f.engine.instant(f.s.store->reader(), "", "sum({job=\"bench\"})", f.s.clk.now_ms()));
}
BENCHMARK(instant_sum_800_series)->Unit(benchmark::kMillisecond);

/// Two hours of 800 series, a step per scrape.
void range_sum_rate_800_series_480_steps(benchmark::State& state) {
  auto& f = fixture();
  timestamp_ms end = f.s.clk.now_ms();
  for (auto _ : state)
    benchmark::DoNotOptimize(f.engine.range(f.s.store->reader(), "",
                                            "sum(rate({job=\"bench\"}[5m]))", end - 480 * 15'000,
                                            end, 15'000));
}
BENCHMARK(range_sum_rate_800_series_480_steps)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace troupe

BENCHMARK_MAIN();
