// What a known line of a scrape consists of: finding its end, recognising it, reading its number.
#include "pipeline/parse/number.h"
#include "pipeline/scrape/line_cache.h"
#include "storage/base/random.h"
#include "tests/bench/time_per.h"

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

namespace troupe {
namespace {

std::vector<std::string> series_texts() {
  std::vector<std::string> out;
  for (int i = 0; i < 523; ++i)
    out.push_back("node_some_subsystem_value_total{cpu=\"" + std::to_string(i) +
                  "\",mode=\"iowait\",device=\"nvme0n1\"}");
  return out;
}

void newline_index(benchmark::State& state) {
  std::string body;
  for (const auto& s : series_texts())
    body += s + " 12345.67\n";
  for (auto _ : state) {
    size_t lines = 0;
    const char* end = body.data() + body.size();
    for (const char* p = body.data();
         (p = static_cast<const char*>(std::memchr(p, '\n', static_cast<size_t>(end - p)))); ++p)
      ++lines;
    benchmark::DoNotOptimize(lines);
  }
  state.counters["GB/s"] = benchmark::Counter(static_cast<double>(body.size()) * 1e-9,
                                              benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(newline_index);

void line_match(benchmark::State& state) {
  const auto texts = series_texts();
  std::vector<scrape::line_entry> known;
  for (uint32_t i = 0; i < texts.size(); ++i)
    known.push_back(scrape::line_entry::make(texts[i], metric_type::counter, 7, i));
  for (auto _ : state) {
    size_t same = 0;
    for (size_t i = 0; i < texts.size(); ++i)
      same += known[i].matches(texts[i], metric_type::counter, 7);
    benchmark::DoNotOptimize(same);
  }
  time_per(state, "item", static_cast<double>(texts.size()));
}
BENCHMARK(line_match);

void decimal_parse(benchmark::State& state) {
  seeded_random random(1);
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i)
    texts.push_back(std::to_string(random.below(1'000'000)) +
                    (i % 2 ? "." + std::to_string(random.below(100)) : "") + "\n");
  for (auto _ : state)
    for (const auto& t : texts) {
      double v = 0;
      benchmark::DoNotOptimize(parse::scan_float(t.data(), t.data() + t.size(), v));
      benchmark::DoNotOptimize(v);
    }
  time_per(state, "item", static_cast<double>(texts.size()));
}
BENCHMARK(decimal_parse);

}  // namespace
}  // namespace troupe

BENCHMARK_MAIN();
