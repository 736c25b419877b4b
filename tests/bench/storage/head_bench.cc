// The head alone: appends of known samples, the closing of chunks, reading, and the bytes that all
// of it takes. Scrapes of targets with 523 series, in order.
#include "storage/head/budget_ledger.h"
#include "storage/head/head.h"
#include "storage/head/series_growth.h"
#include "tests/bench/time_per.h"

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

namespace troupe::storage {
namespace {

constexpr uint32_t target_series = 523;

enum class profile : int { constant, counter, decimal, gauge };

double value_of(profile p, uint64_t series, uint64_t round) {
  const uint64_t noise =
      (series * 0x9e3779b97f4a7c15ULL ^ round * 0xbf58476d1ce4e5b9ULL) * 0x94d049bb133111ebULL >>
      40;
  switch (p) {
    case profile::constant:
      return static_cast<double>(series % 1000);
    case profile::counter:
      return static_cast<double>(series * 1000 + round * 150 + noise % 64);
    case profile::decimal:
      return static_cast<double>(noise % 10'000) / 100.0;
    case profile::gauge:
      break;
  }
  return static_cast<double>(noise) / 7.0;
}

/// A head with `series` series of targets.
struct fixture {
  explicit fixture(size_t series) {
    for (size_t t = 0; t * target_series < series; ++t) {
      std::vector<head_series*> refs;
      for (uint32_t i = 0; i < target_series; ++i)
        refs.push_back(h.find_or_create(
            tenant, labels::from({{"__name__", "m" + std::to_string(i)},
                                  {"job", "node"},
                                  {"instance", "host" + std::to_string(t) + ":9100"}})));
      targets.push_back(std::move(refs));
    }
    floats.resize(target_series);
  }
  // The values of the next scrape of all targets are made first.
  template <class F>
  void scrape(profile p, const F& timed) {
    ++round;
    for (size_t t = 0; t < targets.size(); ++t) {
      for (uint32_t i = 0; i < target_series; ++i)
        floats[i] = {start + static_cast<int64_t>(round * 15'000 + t % 15'000),
                     value_of(p, t * target_series + i, round), i};
      timed([&] {
        h.apply(tenant, {.floats = floats}, targets[t],
                [](uint32_t) -> head_series* { std::abort(); });
      });
    }
  }
  double series() const { return static_cast<double>(targets.size() * target_series); }

  static constexpr timestamp_ms start = 1'699'999'200'000;
  head h{{7'200'000, 0, 64 << 10, nullptr}};
  head_tenant& tenant = h.tenant("");
  std::vector<std::vector<head_series*>> targets;
  std::vector<float_entry> floats;
  uint64_t round = 0;
};

/// Two hours of scrapes; what is left out of a round's time is the making of its values.
void append(benchmark::State& state) {
  const auto p = static_cast<profile>(state.range(0));
  double samples = 0;
  head_samples::memory bytes;
  double series = 0;
  for (auto _ : state) {
    fixture f(static_cast<size_t>(state.range(1)));
    double seconds = 0;
    for (int round = 0; round < 479; ++round)
      f.scrape(p, [&](const auto& apply) {
        timespec a, b;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        apply();
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        seconds += static_cast<double>(b.tv_sec - a.tv_sec) +
                   static_cast<double>(b.tv_nsec - a.tv_nsec) * 1e-9;
      });
    state.SetIterationTime(seconds);
    series = f.series();
    samples += series * 479;
    bytes = f.h.samples().memory_bytes();
  }
  time_per_of(state, "sample", samples);
  state.counters["open B/series"] = static_cast<double>(bytes.open) / series;
  state.counters["times B/series"] = static_cast<double>(bytes.times) / series;
  state.counters["closed B/series"] = static_cast<double>(bytes.chunks) / series;
}
BENCHMARK(append)
    ->ArgsProduct({{0, 1, 2, 3}, {52'300}})
    ->ArgNames({"profile", "series"})
    ->UseManualTime()
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

/// Reading two hours of one series after the other: ns per sample.
void read(benchmark::State& state) {
  fixture f(5'230);
  for (int round = 0; round < 479; ++round)
    f.scrape(static_cast<profile>(state.range(0)), [](const auto& apply) { apply(); });
  double samples = 0;
  series_snapshot snapshot;
  sample_columns out;
  for (auto _ : state)
    for (const auto& target : f.targets)
      for (const head_series* s : target) {
        out.clear();
        f.h.samples().snapshot(*s, min_time, max_time, snapshot).ignore();
        snapshot.read(min_time, max_time, out).ignore();
        samples += static_cast<double>(out.ts.size());
      }
  time_per_of(state, "sample", samples);
}
BENCHMARK(read)->Arg(0)->Arg(1)->Arg(2)->Arg(3)->Unit(benchmark::kMillisecond);

/// What is told of new series.
enum class told : int { nobody, growth, growth_and_budgets };

struct listener final : series_listener {
  void created(std::string_view tenant, const head_series& s) override {
    budgets.created(tenant, s);
    growth.created(0, s.lset());
  }
  void removed(std::string_view, const head_series&) override {}

  system_clock clk;
  series_growth growth{1, clk};
  budget_ledger budgets;
};

constexpr int created_series = 100'000;

/// Ten labels, one of them with a value of its own.
std::vector<labels> new_series() {
  std::vector<labels> out;
  for (int i = 0; i < created_series; ++i)
    out.push_back(labels::from({{"__name__", "http_requests_total"},
                                {"cluster", "east"},
                                {"code", std::to_string(200 + i % 5)},
                                {"instance", "host" + std::to_string(i % 50) + ":9100"},
                                {"job", "web"},
                                {"method", "GET"},
                                {"namespace", "shop"},
                                {"path", "/p" + std::to_string(i % 97)},
                                {"pod", "web-" + std::to_string(i % 50)},
                                {"user_id", "u" + std::to_string(i)}}));
  return out;
}

/// One budget, by target, that leaves room for so many series of each.
void set_budget(budget_ledger& budgets, head& h, uint64_t limit) {
  budgets.adopt(replace_budgets({}, {{"targets", {}, {"job", "instance"}, limit}}));
  budgets.count_some(h, 1);
}

/// ns per series that comes.
void create(benchmark::State& state) {
  const auto to = static_cast<told>(state.range(0));
  const std::vector<labels> all = new_series();
  double series = 0;
  for (auto _ : state) {
    listener all_told;
    head h({7'200'000, 0, 64 << 10, nullptr, to == told::nobody ? nullptr : &all_told});
    head_tenant& tenant = h.tenant("");
    if (to == told::growth_and_budgets)
      set_budget(all_told.budgets, h, created_series);
    for (const labels& l : all)
      if (!all_told.budgets.active() || all_told.budgets.admits("", l) == nullptr)
        h.find_or_create(tenant, l);
    series += created_series;
  }
  time_per_of(state, "series", series);
}
BENCHMARK(create)->DenseRange(0, 2)->ArgName("told")->Unit(benchmark::kMillisecond);

/// ns per series that a budget refuses.
void refuse(benchmark::State& state) {
  const std::vector<labels> all = new_series();
  head h({});
  budget_ledger budgets;
  set_budget(budgets, h, 1);
  double series = 0;
  for (auto _ : state) {
    for (const labels& l : all)
      benchmark::DoNotOptimize(budgets.admits("", l));
    series += created_series;
  }
  time_per_of(state, "series", series);
}
BENCHMARK(refuse)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace troupe::storage

BENCHMARK_MAIN();
