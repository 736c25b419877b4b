// Posting lists, the head's index and packed labels: what a query and a new series cost.
#include "storage/base/random.h"
#include "storage/index/memory_index.h"

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

namespace troupe::storage {
namespace {

constexpr uint32_t all_series = 523'000;

/// Scattered members of 0..all_series, added as an index adds them.
posting_set scattered(size_t n, uint64_t seed) {
  seeded_random random(seed);
  posting_set out;
  for (uint32_t ref = 0; ref < all_series; ++ref)
    if (random.below(all_series) < n)
      out.add(ref);
  return out;
}

/// A metric's series: `per_target` in a row in each of 1,000 targets.
posting_set metric(uint32_t per_target) {
  posting_set out;
  for (uint32_t target = 0; target < 1000; ++target)
    for (uint32_t i = 0; i < per_target; ++i)
      out.add(target * 523 + 40 + i);
  return out;
}

void and_scattered_16k_143k(benchmark::State& state) {
  const auto a = scattered(16'000, 1), b = scattered(143'000, 2);
  for (auto _ : state)
    benchmark::DoNotOptimize(intersect(a, b));
  state.counters["bytes"] = static_cast<double>(a.memory_bytes() + b.memory_bytes());
}
BENCHMARK(and_scattered_16k_143k)->Unit(benchmark::kMicrosecond);

void and_metric_64k_scattered_143k(benchmark::State& state) {
  const auto a = metric(64), b = scattered(143'000, 2);
  for (auto _ : state)
    benchmark::DoNotOptimize(intersect(a, b));
}
BENCHMARK(and_metric_64k_scattered_143k)->Unit(benchmark::kMicrosecond);

labels target_series(uint32_t target, uint32_t i) {
  return labels::from({{"__name__", "node_metric_" + std::to_string(i / 8) + "_total"},
                       {"cpu", std::to_string(i % 8)},
                       {"instance", "host-" + std::to_string(target) + ".example.org:9100"},
                       {"job", "node"}});
}

void pack_and_index_new_series(benchmark::State& state) {
  std::vector<labels> flat;
  for (uint32_t target = 0; target < 100; ++target)
    for (uint32_t i = 0; i < 523; ++i)
      flat.push_back(target_series(target, i));
  for (auto _ : state) {
    memory_index index;
    std::vector<labels> packed;
    for (const auto& l : flat) {
      packed.push_back(l.packed());
      index.add(static_cast<series_ref>(packed.size() - 1), packed.back());
    }
    state.PauseTiming();
    packed.clear();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<int64_t>(flat.size() * state.iterations()));
}
BENCHMARK(pack_and_index_new_series)->Unit(benchmark::kMillisecond);

struct loaded_index {
  loaded_index() {
    for (uint32_t target = 0; target < 1000; ++target)
      for (uint32_t i = 0; i < 523; ++i)
        index.add(next++, target_series(target, i));
  }
  memory_index index;
  series_ref next = 0;
};

loaded_index& loaded() {
  static loaded_index i;
  return i;
}

const matchers& regex_and_equal() {
  static const matchers ms{matcher::equal("__name__", "node_metric_7_total"),
                           *matcher::make(match_op::regex, "instance", "host-.*[02468][.].*")};
  return ms;
}

/// The same selector again: the answer is kept.
void select_again(benchmark::State& state) {
  for (auto _ : state)
    benchmark::DoNotOptimize(loaded().index.select(regex_and_equal()));
}
BENCHMARK(select_again)->Unit(benchmark::kMicrosecond);

/// A series came in between: the postings are computed again, what the regex matches is kept.
void select_after_a_new_series(benchmark::State& state) {
  const auto extra = target_series(0, 0);
  for (auto _ : state) {
    loaded().index.add(loaded().next++, extra);
    benchmark::DoNotOptimize(loaded().index.select(regex_and_equal()));
  }
}
BENCHMARK(select_after_a_new_series)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace troupe::storage

BENCHMARK_MAIN();
