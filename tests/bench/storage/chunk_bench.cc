// Kernels and columns of the chunk codec, per instruction set. ns/sample is CPU time.
#include "storage/base/random.h"
#include "storage/chunk/chunk.h"
#include "storage/chunk/integer_column.h"
#include "storage/chunk/kernels.h"
#include "storage/chunk/value_column.h"
#include "storage/chunk/value_stats.h"
#include "tests/bench/time_per.h"

#include <benchmark/benchmark.h>

#include <cmath>
#include <functional>
#include <vector>

namespace troupe::storage {
namespace {

void report(benchmark::State& state, size_t samples) {
  time_per(state, "sample", static_cast<double>(samples));
}

/// The shapes a node_exporter shows, most frequent first.
struct shape {
  const char* name;
  std::function<double(random_source&, double before)> next;
};
const std::vector<shape>& shapes() {
  static const std::vector<shape> all = {
      {"counter", [](auto& r, double b) { return b + 1000 + static_cast<double>(r.below(64)); }},
      {"rare",
       [](auto& r, double b) { return r.below(30) ? b : b + static_cast<double>(r.below(9)); }},
      {"hundredths",
       [](auto& r, double b) {
         return std::round(b * 100 + static_cast<double>(r.below(300))) / 100;
       }},
      {"bytes",
       [](auto& r, double b) { return b + 4096 * (static_cast<double>(r.below(99)) - 49); }},
      {"products",
       [](auto& r, double b) {
         return std::round(b * 1000 + static_cast<double>(r.below(99))) * 0.001;
       }},
      {"walk", [](auto& r, double b) { return b + r.unit() - 0.5; }},
  };
  return all;
}

std::vector<double> values_of(size_t n, size_t shape) {
  seeded_random random(shape + 1);
  std::vector<double> out;
  double v = 1e6;
  for (size_t i = 0; i < n; ++i)
    out.push_back(v = shapes()[shape].next(random, v));
  return out;
}

/// Unpack, prefix sum and division of a block: budget 1 ns/sample.
void unpack_block(benchmark::State& state, const kernel_set* set, unsigned width,
                  packed_order order) {
  seeded_random random(1);
  std::array<uint64_t, block_rows> rows;
  for (auto& v : rows)
    v = random.next();
  std::vector<uint8_t> bytes(8 * width + unpack_slack);
  set->pack(rows.data(), width, bytes.data());
  std::array<double, block_rows> out;
  restore_state at;
  for (auto _ : state) {
    set->unpack(bytes.data(), width, rows.data());
    set->restore(rows.data(), {order, 3, 1}, at);
    set->to_doubles(rows.data(), 2, out.data());
    benchmark::DoNotOptimize(out);
  }
  report(state, block_rows);
}

void pack_block(benchmark::State& state, const kernel_set* set, unsigned width) {
  seeded_random random(1);
  std::array<uint64_t, block_rows> rows;
  for (auto& v : rows)
    v = random.next();
  std::array<uint8_t, 8 * block_rows> out;
  for (auto _ : state) {
    set->pack(rows.data(), width, out.data());
    benchmark::DoNotOptimize(out);
  }
  report(state, block_rows);
}

/// Budget 0.1 ns/sample.
void reset_scan(benchmark::State& state, const kernel_set* set) {
  const auto values = values_of(480, 0);
  for (auto _ : state)
    benchmark::DoNotOptimize(set->count_resets(values.data(), values.size()));
  report(state, values.size());
}

/// Sum with its error, extremes and resets in one pass.
void fold_column(benchmark::State& state, const kernel_set* set) {
  const auto values = values_of(480, 0);
  column_fold out;
  for (auto _ : state) {
    set->fold(values.data(), values.size(), out);
    benchmark::DoNotOptimize(out);
  }
  report(state, values.size());
}

/// Try the forms and write the best: budget 8 ns/sample at 120 of the hot tier.
void seal(benchmark::State& state, size_t n, size_t shape, storage_tier tier) {
  const auto values = values_of(n, shape);
  std::string out;
  for (auto _ : state) {
    out.clear();
    benchmark::DoNotOptimize(encode_values(values, out, tier));
  }
  report(state, n);
  state.counters["B/sample"] = static_cast<double>(out.size()) / static_cast<double>(n);
}

void decode(benchmark::State& state, size_t n, size_t shape, storage_tier tier) {
  const auto values = values_of(n, shape);
  std::string bytes;
  const value_form form = encode_values(values, bytes, tier);
  std::vector<double> out(n);
  for (auto _ : state) {
    byte_reader in(bytes);
    benchmark::DoNotOptimize(decode_values(in, form, out));
    benchmark::DoNotOptimize(out.data());
  }
  report(state, n);
}

/// The last 20 of 1,920: per sample passed.
void decode_tail(benchmark::State& state) {
  const auto values = values_of(1920, 0);
  std::string bytes;
  const value_form form = encode_values(values, bytes);
  std::vector<double> out(20);
  for (auto _ : state) {
    byte_reader in(bytes);
    benchmark::DoNotOptimize(decode_values(in, form, values.size(), values.size() - 20, out));
    benchmark::DoNotOptimize(out.data());
  }
  report(state, values.size());
}
BENCHMARK(decode_tail);

void stats(benchmark::State& state) {
  const auto values = values_of(480, 0);
  for (auto _ : state)
    benchmark::DoNotOptimize(stats_of(values));
  report(state, values.size());
}
BENCHMARK(stats);

/// Timestamps, values and allocation: a chunk as the compactor writes and a query reads it.
void whole_chunk(benchmark::State& state, bool write) {
  const auto values = values_of(480, 0);
  std::vector<timestamp_ms> ts;
  for (size_t i = 0; i < values.size(); ++i)
    ts.push_back(1'700'000'000'000 + static_cast<timestamp_ms>(i) * 15'000);
  const std::string bytes = encode_chunk(ts, values);
  sample_columns out;
  for (auto _ : state) {
    if (write) {
      benchmark::DoNotOptimize(encode_chunk(ts, values));
    } else {
      out.clear();
      benchmark::DoNotOptimize(decode_chunk(bytes, min_time, max_time, out).ok());
    }
  }
  report(state, values.size());
}
BENCHMARK_CAPTURE(whole_chunk, encode_480, true);
BENCHMARK_CAPTURE(whole_chunk, decode_480, false);

void register_all() {
  const auto add = [](const std::string& name, auto&&... args) {
    benchmark::RegisterBenchmark(name.c_str(), args...);
  };
  for (const kernel_set* set : usable_kernels()) {
    const std::string name(set->name);
    add("unpack_delta_9_bits/" + name, unpack_block, set, 9u, packed_order::delta);
    add("unpack_delta_23_bits/" + name, unpack_block, set, 23u, packed_order::delta);
    add("unpack_double_delta_9_bits/" + name, unpack_block, set, 9u, packed_order::double_delta);
    add("pack_9_bits/" + name, pack_block, set, 9u);
    add("reset_scan/" + name, reset_scan, set);
    add("fold/" + name, fold_column, set);
  }
  for (size_t i = 0; i < shapes().size(); ++i) {
    const std::string shape = shapes()[i].name;
    add("seal_120/" + shape, seal, size_t{120}, i, storage_tier::hot);
    add("decode_480/" + shape, decode, size_t{480}, i, storage_tier::hot);
    add("seal_cold_5760/" + shape, seal, size_t{5760}, i, storage_tier::cold);
    add("decode_cold_5760/" + shape, decode, size_t{5760}, i, storage_tier::cold);
  }
}

}  // namespace
}  // namespace troupe::storage

int main(int argc, char** argv) {
  troupe::storage::register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
