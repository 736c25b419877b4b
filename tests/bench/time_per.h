// Counters of the benchmark programs: CPU time by item.
#pragma once

#include <benchmark/benchmark.h>

#include <string>

namespace troupe {

/// "ns/<item>" of a benchmark whose every iteration does `items` of them.
inline void time_per(benchmark::State& state, const std::string& item, double items) {
  state.counters["ns/" + item] = benchmark::Counter(
      items * 1e-9, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
/// The same where all iterations together did `items`.
inline void time_per_of(benchmark::State& state, const std::string& item, double items) {
  state.counters["ns/" + item] =
      benchmark::Counter(items * 1e-9, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

}  // namespace troupe
