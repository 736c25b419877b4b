#include "pipeline/http/server_context.h"

namespace troupe::http {
namespace {

constexpr size_t max_routes = 128;

}  // namespace

request_stats::request_stats(registry& stats)
    : registry_(stats),
      connections_(
          stats.get_gauge("troupe_http_connections", "Open connections to the HTTP server.")) {
  for (const char* reason : {"connections", "descriptors", "tls", "rate_limit", "auth", "header",
                             "body", "timeout", "slow_reader", "answers"})
    refused(reason);
  stats.add_alias("troupe_http_requests_total", "prometheus_http_requests_total");
  stats.add_alias("troupe_http_request_duration_seconds",
                  "prometheus_http_request_duration_seconds");
}

void request_stats::observe(const std::string& route, int code, double seconds) {
  std::lock_guard guard(lock_);
  bool known = seconds_.count(route) != 0 || seconds_.size() < max_routes;
  const std::string name = route.empty() || !known ? "other" : route;
  auto& count = counts_[{name, code}];
  if (count == nullptr)
    count =
        &registry_.get_counter("troupe_http_requests_total", "Requests by route and status code.",
                               {{"handler", name}, {"code", std::to_string(code)}});
  auto& histogram = seconds_[name];
  if (histogram == nullptr)
    histogram =
        &registry_.get_histogram("troupe_http_request_duration_seconds",
                                 "From the last byte of a request to the last of its answer.",
                                 {.1, .2, .4, 1, 3, 8, 20, 60, 120}, {{"handler", name}});
  count->add();
  histogram->observe(seconds);
}

counter& request_stats::refused(const std::string& reason) {
  std::lock_guard guard(lock_);
  auto& c = refused_[reason];
  if (c == nullptr)
    c = &registry_.get_counter("troupe_http_refused_total",
                               "Connections and requests that a limit refused.",
                               {{"reason", reason}});
  return *c;
}

server_context::server_context(server_options o, handler h, file_system& files, const clock& c,
                               registry& registry)
    : options(std::move(o)),
      handle(std::move(h)),
      clk(c),
      budget(options.budget ? options.budget : std::make_shared<byte_budget>(256 << 20)),
      answers(std::make_shared<byte_budget>(options.answer_bytes)),
      guard(options.web_config_file, files, c),
      stats(registry) {}

}  // namespace troupe::http
