// Reading a merged block of classic histograms: one bucket, all of them, and counters beside them.
#include "storage/block/block_reader.h"
#include "storage/block/block_writer.h"
#include "storage/chunk/columns.h"
#include "tests/storage/block/series_data.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace troupe::storage {
namespace {

constexpr timestamp_ms hour = 3'600'000;
constexpr timestamp_ms day = 24 * hour;

/// A day at 15 s of 20 hosts with 10 histograms of 12 buckets each, in a temporary folder.
class bench_block {
 public:
  bench_block() {
    std::string path = "/tmp/troupe-bench-XXXXXX";
    dir_ = mkdtemp(path.data());
    seeded_random random(1);
    manual_clock clk(1'700'000'000'000);
    block_spec spec;
    spec.id = make_block_id(clk, random);
    spec.max_time = day;
    spec.level = 2;
    test::data_series_set source(
        test::classic_histograms(random, {.hosts = 20, .methods = 10, .samples = 5760}));
    meta = *write_block(*fs_, dir_, spec, source);
    block = *block_reader::open(*fs_, dir_ + "/" + spec.id);
  }
  ~bench_block() {
    block.reset();
    fs_->remove_all(dir_).ignore();
  }
  block_meta meta;
  std::shared_ptr<block_reader> block;

 private:
  std::unique_ptr<file_system> fs_ = make_posix_file_system();
  std::string dir_;
};

bench_block& shared_block() {
  static bench_block block;
  return block;
}

/// Selects with `ms` and reads [mint, maxt] of every series: time per series.
void read(benchmark::State& state, std::span<const matcher> ms, timestamp_ms mint,
          timestamp_ms maxt) {
  const auto& b = shared_block();
  size_t series = 0;
  sample_columns out;
  for (auto _ : state) {
    auto set = *b.block->select(ms, mint, maxt, nullptr);
    while (set->next()) {
      out.clear();
      benchmark::DoNotOptimize(set->read(mint, maxt, out).ok());
      ++series;
    }
  }
  state.counters["per_series"] = benchmark::Counter(
      static_cast<double>(series), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  state.counters["bytes_per_sample"] =
      static_cast<double>(b.meta.chunk_bytes) / static_cast<double>(b.meta.samples);
}

/// Each bucket of one histogram by a select of its own.
void one_bucket(benchmark::State& state) {
  const timestamp_ms mint = state.range(0) ? 12 * hour : 0, maxt = state.range(0) ? 13 * hour : day;
  const auto bounds = *shared_block().block->index().label_values("le", {}, 0);
  size_t series = 0;
  sample_columns out;
  for (auto _ : state)
    for (const auto& le : bounds) {
      const matchers ms{matcher::equal("le", le), matcher::equal("instance", "host3"),
                        matcher::equal("method", "m5")};
      auto set = *shared_block().block->select(ms, mint, maxt, nullptr);
      while (set->next()) {
        out.clear();
        benchmark::DoNotOptimize(set->read(mint, maxt, out).ok());
        ++series;
      }
    }
  state.counters["per_series"] = benchmark::Counter(
      static_cast<double>(series), benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

/// All buckets of all histograms (0), of one of each host (1); counters (2): a day, or an hour of
/// it.
void many(benchmark::State& state) {
  matchers ms{
      matcher::equal("__name__", state.range(0) == 2 ? "rpc_seconds_count" : "rpc_seconds_bucket")};
  if (state.range(0) == 1)
    ms.push_back(matcher::equal("method", "m5"));
  read(state, ms, state.range(1) ? 12 * hour : 0, state.range(1) ? 13 * hour : day);
}

BENCHMARK(one_bucket)->ArgName("hour")->Arg(0)->Arg(1);
BENCHMARK(many)
    ->ArgNames({"set", "hour"})
    ->ArgsProduct({{0, 1, 2}, {0, 1}})
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace troupe::storage

BENCHMARK_MAIN();
