#include "pipeline/bench/query_load.h"

#include "storage/base/random.h"

#include <fmt/format.h>

#include <unordered_map>

namespace troupe::bench {
namespace {

std::string seconds(int64_t ms) {
  return fmt::format("{}.{:03}", ms / 1000, ms % 1000);
}

}  // namespace

std::vector<timed_query> default_mix(std::string_view profile) {
  if (profile == "busy")
    return {{"sum(bench_requests_total)"},
            {"topk(5, rate(bench_requests_total[5m]))"},
            {"avg by (instance) (bench_temperature_celsius)"},
            {"sum by (instance) (rate(bench_sent_bytes_total[5m]))", true},
            {"max_over_time(bench_latency_seconds{id=\"1\"}[10m])", true}};
  if (profile == "walk16")
    return {{"sum(bench_walk)"},
            {"quantile(0.9, bench_walk)"},
            {"avg by (instance) (bench_walk)", true}};
  if (profile == "classic")
    return {
        {"sum(rate(bench_request_duration_seconds_count[5m]))"},
        {"histogram_quantile(0.99, sum by (le) (rate(bench_request_duration_seconds_bucket[5m])))"},
        {"histogram_quantile(0.9, sum by (le, handler) "
         "(rate(bench_request_duration_seconds_bucket[5m])))",
         true}};
  if (profile == "native")
    return {{"sum(histogram_count(rate(bench_size_bytes[5m])))"},
            {"histogram_quantile(0.99, sum(rate(bench_size_bytes[5m])))"},
            {"histogram_quantile(0.9, sum by (instance) (rate(bench_size_bytes[5m])))", true}};
  return {{"sum(node_memory_MemAvailable_bytes)"},
          {"node_load1"},
          {"count by (job) ({__name__=~\"node_network_.*\"})"},
          {"topk(5, sum by (instance) (rate(node_cpu_seconds_total{mode!=\"idle\"}[5m])))"},
          {"sum by (mode) (rate(node_cpu_seconds_total[5m]))", true},
          {"1 - avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))", true},
          {"node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", true},
          {"sum by (instance, device) (rate(node_network_receive_bytes_total[5m]))", true}};
}

query_report run_query_load(const query_load_options& options, client::api_client& server,
                            const clock& clk, client::progress& shown) {
  query_report report;
  for (const auto& q : options.mix)
    report.queries.push_back({q, {}, 0, 0, {}});
  seeded_random random(options.seed);
  const int64_t begin = clk.monotonic_ns();
  const auto over = [&](uint64_t started) {
    return options.count > 0 ? started >= options.count
                             : clk.monotonic_ns() - begin >= options.duration_ms * 1'000'000;
  };
  std::unordered_map<uint64_t, size_t> under_way;  // token → place in the mix
  uint64_t started = 0;
  while (true) {
    while (under_way.size() < options.in_flight && !over(started)) {
      const size_t which = random.below(options.mix.size());
      const auto& q = options.mix[which];
      http::params form{{"query", q.expr}};
      if (q.range) {
        form.emplace_back("start", seconds(options.end_ms - options.range_ms));
        form.emplace_back("end", seconds(options.end_ms));
        form.emplace_back("step", seconds(options.step_ms));
      } else {
        form.emplace_back("time", seconds(options.end_ms));
      }
      // VictoriaMetrics caches results unless told not to; others ignore it.
      form.emplace_back("nocache", "1");
      under_way.emplace(started, which);
      server.post(started++, q.range ? "/api/v1/query_range" : "/api/v1/query", form);
    }
    if (under_way.empty())
      break;
    for (const auto& answer : server.answers(/*timeout_ms=*/200)) {
      const auto at = under_way.find(answer.token);
      auto& q = report.queries[at->second];
      under_way.erase(at);
      if (!answer.error.ok()) {
        ++q.errors;
        ++report.errors;
        if (q.first_error.empty())
          q.first_error = answer.error.message();
        continue;
      }
      ++report.answered;
      q.bytes += answer.body.size();
      q.answer_times.add(answer.duration_ns);
    }
    shown.update(report.answered + report.errors, options.count);
  }
  report.duration_ns = clk.monotonic_ns() - begin;
  return report;
}

}  // namespace troupe::bench
