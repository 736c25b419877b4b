// What every point of an answer passes through: rate over its window, and its JSON.
#include "query/engine/functions.h"
#include "query/result_json.h"
#include "storage/base/random.h"
#include "tests/bench/time_per.h"

#include <benchmark/benchmark.h>

#include <limits>
#include <string>
#include <vector>

namespace troupe::query {
namespace {

/// rate[5m] of a counter sampled every 15 s, at 480 steps of 15 s.
void rate_points(benchmark::State& state) {
  constexpr uint32_t steps = 480, window = 20;
  std::vector<timestamp_ms> ts, refs;
  std::vector<double> values;
  std::vector<uint32_t> lo, hi, none(steps, 0);
  for (uint32_t i = 0; i < steps + window; ++i) {
    ts.push_back(int64_t{15'000} * i);
    values.push_back(7.0 * i);
  }
  for (uint32_t i = 0; i < steps; ++i) {
    lo.push_back(i);
    hi.push_back(i + window);
    refs.push_back(ts[i + window - 1]);
  }
  const step_grid grid{refs.front(), 15'000, steps};
  manual_clock clk;
  budget limits(clk, 0, std::numeric_limits<uint64_t>::max(), std::numeric_limits<uint64_t>::max(),
                nullptr);
  annotations notes;
  const range_input in{.grid = grid,
                       .refs = refs,
                       .range_ms = 300'000,
                       .ts = ts,
                       .values = values,
                       .lo = lo,
                       .hi = hi,
                       .hlo = none,
                       .hhi = none,
                       .notes = notes,
                       .limits = limits};
  const range_function rate = find_range_function("rate");
  step_scratch out;
  for (auto _ : state) {
    out.reset(steps);
    benchmark::DoNotOptimize(rate(in, out).ok());
    benchmark::DoNotOptimize(out.values.data());
  }
  time_per(state, "point", steps);
}
BENCHMARK(rate_points);

void json_values(benchmark::State& state, bool integer) {
  seeded_random random(1);
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i)
    values.push_back(integer ? static_cast<double>(random.below(10'000'000)) : random.unit());
  std::string out;
  for (auto _ : state) {
    out.clear();
    for (size_t i = 0; i < values.size(); ++i) {
      append_timestamp_json(out, 1'700'000'000'000 + static_cast<timestamp_ms>(i) * 15'000);
      append_value_json(out, values[i]);
    }
    benchmark::DoNotOptimize(out.data());
  }
  time_per(state, "point", static_cast<double>(values.size()));
}
BENCHMARK_CAPTURE(json_values, integer, true);
BENCHMARK_CAPTURE(json_values, double, false);

}  // namespace
}  // namespace troupe::query

BENCHMARK_MAIN();
