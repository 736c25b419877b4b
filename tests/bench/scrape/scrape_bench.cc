// Costs of a scrape: parse and line cache per line, relabelling per target.
#include "pipeline/discover/target.h"
#include "pipeline/parse/openmetrics_parser.h"
#include "pipeline/parse/text_parser.h"
#include "pipeline/scrape/scrape_pool.h"
#include "tests/pipeline/scrape/exporter_body.h"
#include "tests/pipeline/scrape/fixture.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <vector>

namespace troupe::http {
// The pool only passes these on.
class client_settings {};
class endpoint {};
}  // namespace troupe::http

namespace troupe::scrape {
namespace {

std::vector<std::string> bodies() {
  exporter_size n;
  n.cpus = 32;
  n.gauges = 100;
  std::vector<std::string> out;
  for (int tick = 0; tick < 8; ++tick)
    out.push_back(exporter_body(1000 + tick, n));
  return out;
}
int64_t line_count(const std::string& body) {
  return std::count(body.begin(), body.end(), '\n');
}
void per_line(benchmark::State& state, const std::string& body) {
  state.SetItemsProcessed(state.iterations() * line_count(body));
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(body.size()));
}

void text_parse(benchmark::State& state) {
  const auto body = bodies()[0];
  for (auto _ : state) {
    parse::text_parser p(body);
    double sum = 0;
    for (auto e = p.next(); e != parse::entry::end; e = p.next())
      if (e == parse::entry::series)
        sum += p.value();
    benchmark::DoNotOptimize(sum);
  }
  per_line(state, body);
}
BENCHMARK(text_parse);

void openmetrics_parse(benchmark::State& state) {
  const auto body = bodies()[0] + "# EOF\n";
  for (auto _ : state) {
    parse::openmetrics_parser p(body);
    double sum = 0;
    for (auto e = p.next(); e != parse::entry::end; e = p.next())
      if (e == parse::entry::series)
        sum += p.value();
    benchmark::DoNotOptimize(sum);
  }
  per_line(state, body);
}
BENCHMARK(openmetrics_parse);

// The first scrape of a target: every line is new.
void scrape_cold(benchmark::State& state) {
  const auto body = bodies()[0];
  for (auto _ : state) {
    one_target t;
    benchmark::DoNotOptimize(t.scrape(body).batch);
  }
  per_line(state, body);
}
BENCHMARK(scrape_cold);

// Every further one: every line is known, values move.
void scrape_cached(benchmark::State& state) {
  const auto all = bodies();
  one_target t;
  t.scrape(all[0]);
  size_t tick = 0;
  http::fetch_result got;
  got.code = 200;
  got.content_type = "text/plain";
  for (auto _ : state) {
    state.PauseTiming();
    got.body = all[++tick % all.size()];
    state.ResumeTiming();
    benchmark::DoNotOptimize(t.take(got).batch);
  }
  per_line(state, all[0]);
  state.counters["heap_bytes_per_series"] =
      static_cast<double>(t.memory.heap_bytes()) / t.memory.series.size();
}
BENCHMARK(scrape_cached);

// The order of the lines changes each time.
void scrape_shuffled(benchmark::State& state) {
  auto all = bodies();
  for (auto& body : all) {
    std::vector<std::string> lines;
    for (size_t at = 0; at < body.size();) {
      const auto eol = body.find('\n', at);
      if (body[at] != '#')
        lines.push_back(body.substr(at, eol + 1 - at));
      at = eol + 1;
    }
    std::rotate(lines.begin(), lines.begin() + static_cast<ptrdiff_t>(&body - all.data()) * 17,
                lines.end());
    for (size_t i = 0; i + 3 < lines.size(); i += 4)
      std::reverse(lines.begin() + static_cast<ptrdiff_t>(i),
                   lines.begin() + static_cast<ptrdiff_t>(i) + 4);
    std::reverse(lines.begin(), lines.end());
    body.clear();
    for (const auto& l : lines)
      body += l;
  }
  one_target t;
  t.scrape(all[0]);
  size_t tick = 0;
  for (auto _ : state)
    benchmark::DoNotOptimize(t.scrape(all[++tick % all.size()]).batch);
  per_line(state, all[0]);
}
BENCHMARK(scrape_shuffled);

// One interval of a pool of 50,000 targets with 20 series each, without the network.
void pool_cycle(benchmark::State& state) {
  constexpr uint64_t count = 50'000;
  registry metrics;
  pool_environment env;
  env.metrics = &metrics;
  env.endpoints.endpoint = [](std::string_view, discover::client_settings_ptr,
                              http::headers) -> result<http::endpoint_ptr> {
    return http::endpoint_ptr(std::make_shared<const http::endpoint>());
  };
  pool_time now{1'700'000'000'000, 0};
  scrape_pool pool({}, std::move(env), now);
  discover::target_sets sets;
  sets.jobs.push_back(
      {std::make_shared<const config::scrape_config>(make_config()), nullptr, {}, ""});
  for (uint64_t i = 0; i < count; ++i) {
    auto t = std::make_shared<discover::target>();
    t->public_labels = labels::from({{"job", "j"}, {"instance", "10.0.0.1:" + std::to_string(i)}});
    t->interval_ms = 60'000;
    t->timeout_ms = 10'000;
    t->id = i * 0x9e3779b97f4a7c15ULL;
    sets.jobs[0].targets.push_back(std::move(t));
  }
  pool.apply(sets, now);
  std::vector<std::string> by_tick(4);
  for (size_t tick = 0; tick < by_tick.size(); ++tick)
    for (int i = 0; i < 20; ++i)
      by_tick[tick] +=
          fmt::format("http_requests_total{{code=\"200\",handler=\"/api/v1/query{}\"}} {}\n", i,
                      100 * i + tick);
  uint64_t scrapes = 0;
  size_t tick = 0;
  for (auto _ : state) {
    ++tick;
    for (int slot = 0; slot < 6'000; ++slot) {
      now.wall_ms += 10;
      now.monotonic_ns += 10'000'000;
      auto work = pool.due(now);
      for (const auto& f : work.fetches) {
        http::fetch_result got;
        got.token = f.token;
        got.code = 200;
        got.content_type = "text/plain; version=0.0.4";
        got.body = by_tick[tick % by_tick.size()];
        got.started_ms = now.wall_ms;
        pool.on_ack(pool.on_result(std::move(got), now)->token);
        ++scrapes;
      }
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(scrapes));
  state.counters["bytes_per_series"] = static_cast<double>(pool.heap_bytes()) / (count * 25);
}
BENCHMARK(pool_cycle)->Unit(benchmark::kMillisecond)->Iterations(3);

// Target relabelling as a Kubernetes job does it.
void relabel_target(benchmark::State& state) {
  auto c = make_config();
  const auto add = [&](config::relabel_action action, std::vector<std::string> source,
                       std::string regex, std::string target, std::string replacement) {
    config::relabel_config r;
    r.action = action;
    r.source_labels = std::move(source);
    r.regex = std::move(regex);
    r.target_label = std::move(target);
    r.replacement = std::move(replacement);
    c.relabel_configs.push_back(std::move(r));
  };
  using config::relabel_action;
  add(relabel_action::keep, {"__meta_scrape"}, "true", "", "$1");
  add(relabel_action::replace, {"__meta_path"}, "(.+)", "__metrics_path__", "$1");
  add(relabel_action::replace, {"__address__", "__meta_port"}, "([^:]+)(?::\\d+)?;(\\d+)",
      "__address__", "$1:$2");
  add(relabel_action::labelmap, {}, "__meta_label_(.+)", "", "$1");
  add(relabel_action::replace, {"__meta_namespace"}, "(.*)", "namespace", "$1");
  auto maker = discover::target_maker::create(c);
  const std::map<std::string, std::string> group = {
      {"__meta_scrape", "true"},  {"__meta_path", "/metrics"},    {"__meta_port", "9100"},
      {"__meta_label_app", "db"}, {"__meta_label_zone", "eu-1a"}, {"__meta_namespace", "prod"}};
  for (auto _ : state)
    benchmark::DoNotOptimize(maker->make("10.1.2.3:80", group).made);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(relabel_target);

}  // namespace
}  // namespace troupe::scrape

BENCHMARK_MAIN();
