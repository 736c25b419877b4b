// 2,000 recording rules over 100 K series of node_cpu_seconds_total, sampled every 15 s: what one
// instant of their group costs (of the 15 s until the next). Each rule reads the 1,024 series of 64
// of 6,250 hosts; with what the rules share and each on its own.
#include "pipeline/rules/engine_door.h"
#include "pipeline/rules/rule_group.h"
#include "storage/base/file_system.h"
#include "storage/base/random.h"
#include "storage/storage.h"
#include "tests/bench/time_per.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace troupe::rules {
namespace {

constexpr int hosts = 6'250, cpus = 2, rules_count = 2'000, hosts_of_rule = 64;
constexpr const char* modes[] = {"idle",    "iowait", "irq",    "nice",
                                 "softirq", "steal",  "system", "user"};
constexpr timestamp_ms start = 1'700'000'000'000;
constexpr int64_t step = 15'000;

class world {
 public:
  world() {
    char dir[] = "/tmp/troupe-rules-bench-XXXXXX";
    if (mkdtemp(dir) == nullptr)
      std::abort();
    dir_ = dir;
    storage::options o;
    o.dir = dir_ + "/data";
    o.shards = 2;
    o.sync = storage::options::sync_mode::os;
    o.retention_ms = 0;
    o.max_future_ms = -1;
    store_ = std::move(*storage::storage::open(o, {fs_.get(), &clk_, &metrics_, 1}));
    for (uint32_t s = 0; s < store_->shard_count(); ++s)
      while (!*store_->replay_step(s)) {
      }
    for (int h = 0; h < hosts; ++h) {
      std::vector<labels> series;
      for (int c = 0; c < cpus; ++c)
        for (const auto* mode : modes)
          series.push_back(series_of(h, c, mode));
      tables_.push_back(make_series_table("", std::move(series)));
    }
    for (int i = 0; i < 24; ++i)
      scrape();
  }
  ~world() {
    store_->close().ignore();
    fs_->remove_all(dir_).ignore();
  }

  /// A host gets a CPU.
  void add_series() {
    tables_.push_back(make_series_table(
        "", {series_of(static_cast<int>(tables_.size()) * 7 % hosts, 99, "idle")}));
  }

  /// All hosts once more.
  void scrape() {
    now_ += step;
    for (size_t t = 0; t < tables_.size(); ++t) {
      const int h = static_cast<int>(t) % hosts;
      auto b = std::make_shared<write_batch>();
      b->table = tables_[t];
      for (uint32_t i = 0; i < b->table->series.size(); ++i)
        b->floats.push_back({now_ - step + h * step / hosts,
                             static_cast<double>((now_ - start) / 10) / 100 * (i + 1) +
                                 static_cast<double>(random_.below(100)) / 100,
                             i});
      if (!store_->appender(store_->shard_of(b->table->slot(0))).append(b).ok())
        std::abort();
    }
    for (uint32_t s = 0; s < store_->shard_count(); ++s)
      store_->appender(s).commit().ignore();
  }

  static labels series_of(int h, int cpu, const char* mode) {
    return labels::from({{"__name__", "node_cpu_seconds_total"},
                         {"cpu", std::to_string(cpu)},
                         {"instance", host(h)},
                         {"job", "node"},
                         {"mode", mode}})
        .packed();
  }
  static std::string host(int h) { return "host-" + std::to_string(h) + ".example.org:9100"; }
  timestamp_ms now() const { return now_; }
  storage::queryable& data() { return store_->reader(); }
  const clock& clk() const { return clk_; }

 private:
  std::unique_ptr<file_system> fs_ = make_posix_file_system();
  system_clock clk_;
  registry metrics_;
  seeded_random random_{1};
  std::string dir_;
  std::unique_ptr<storage::storage> store_;
  std::vector<series_table_ptr> tables_;
  timestamp_ms now_ = start;
};

world& the_world() {
  static world w;
  return w;
}

/// Rules over runs of 64 hosts (each set of hosts is read by 20 rules), or over any 64 hosts.
group_definition_ptr make_rules(bool scattered) {
  seeded_random random(3);
  config::rule_group_config c;
  c.name = "bench";
  c.interval_ms = step;
  for (int r = 0; r < rules_count; ++r) {
    std::string any;
    for (int i = 0; i < hosts_of_rule; ++i) {
      const int h = scattered ? static_cast<int>(random.below(hosts))
                              : (r * hosts_of_rule + i) % (hosts / hosts_of_rule * hosts_of_rule);
      any += (any.empty() ? "" : "|") + world::host(h);
    }
    c.rules.push_back(
        {.record = "rule_" + std::to_string(r),
         .expr = "sum by (mode) (rate(node_cpu_seconds_total{instance=~\"" + any + "\"}[5m]))"});
  }
  return std::move(*define_group(c, {}));
}

/// Evaluates every expression on its own.
class lonely_door final : public query_door {
 public:
  explicit lonely_door(query_door& door) : door_(door) {}
  result<query::vector_value> evaluate(const query::expr& parsed, std::string_view text,
                                       timestamp_ms at, query::shared_calls& /*shared*/) override {
    query::shared_calls none;
    return door_.evaluate(parsed, text, at, none);
  }
  result<query::vector_value> evaluate(std::string_view text, timestamp_ms at) override {
    return door_.evaluate(text, at);
  }

 private:
  query_door& door_;
};

enum class churn : unsigned char { none, one_series };

void group_instant(benchmark::State& state, bool scattered, bool share, churn c) {
  world& w = the_world();
  query::engine engine({}, w.clk());
  engine_door door(engine, w.data());
  lonely_door lonely(door);
  query_door& queries = share ? static_cast<query_door&>(door) : lonely;
  alert_settings settings;
  rule_group group(make_rules(scattered), settings, w.clk());
  const auto evaluate = [&] {
    for (size_t stage = 0; stage < group.definition().stages.size(); ++stage)
      for (const auto& o : group.evaluate(stage, {w.now(), false}, queries))
        group.stored(o.rule, {}, 0);
  };
  // At first it is seen what the rules want, then it is found.
  for (int i = 0; share && i < 2; ++i) {
    w.scrape();
    evaluate();
  }
  uint64_t samples = 0;
  for (auto _ : state) {
    state.PauseTiming();
    if (c == churn::one_series)
      w.add_series();
    w.scrape();
    state.ResumeTiming();
    evaluate();
    samples = group.samples();
  }
  if (samples != rules_count * std::size(modes) || group.failures() != 0)
    state.SkipWithError("rules failed");
  time_per(state, "rule", rules_count);
  state.counters["shared_bytes"] = static_cast<double>(group.shared().bytes());
}

#define GROUP_INSTANT(name, ...) \
  BENCHMARK_CAPTURE(group_instant, name, __VA_ARGS__)->Iterations(3)->Unit(benchmark::kMillisecond)
GROUP_INSTANT(runs_alone, false, false, churn::none);
GROUP_INSTANT(scattered_alone, true, false, churn::none);
GROUP_INSTANT(runs, false, true, churn::none);
GROUP_INSTANT(scattered, true, true, churn::none);
GROUP_INSTANT(scattered_one_new_series, true, true, churn::one_series);

}  // namespace
}  // namespace troupe::rules

BENCHMARK_MAIN();
