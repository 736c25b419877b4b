#include "pipeline/http/asio_fetcher.h"

#include "pipeline/http/endpoint.h"
#include "pipeline/http/fetch_loop.h"
#include "pipeline/http/resolver.h"
#include "storage/base/check.h"
#include "storage/base/stats.h"

#include <sys/resource.h>

#include <algorithm>

namespace troupe::http {
namespace {

constexpr uint64_t default_budget_bytes = 256 << 20;

size_t descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return 1 << 20;
  return static_cast<size_t>(std::min<rlim_t>(limit.rlim_cur, 1 << 20));
}

resolver_options names_of(const fetcher_options& o) {
  resolver_options out;
  out.threads = o.resolver_threads;
  out.ttl_ms = o.dns_ttl_ms;
  out.max_entries = o.dns_cache_entries;
  out.lookup = o.lookup;
  return out;
}

fetch_loop_limits limits_of(const fetcher_options& o, size_t loops) {
  fetch_loop_limits out;
  size_t descriptors = descriptor_limit();
  size_t idle = o.max_idle != 0 ? o.max_idle : descriptors / 2;
  size_t open = o.max_open != 0 ? o.max_open : descriptors / 5 * 4;
  out.max_idle = std::max<size_t>(idle / loops, 1);
  out.max_open = std::max<size_t>(open / loops, 1);
  out.idle_timeout_ms = o.idle_timeout_ms;
  return out;
}

}  // namespace

struct asio_fetcher::impl {
  counts totals() const {
    counts out;
    for (const auto& loop : loops) {
      const auto& c = loop->counters();
      out.open += c.open;
      out.idle += c.idle;
      out.connects += c.connects;
      out.reused += c.reused;
      out.evicted += c.evicted;
    }
    return out;
  }

  impl(const fetcher_options& o, const clock& clk)
      : budget(o.budget ? o.budget : std::make_shared<byte_budget>(default_budget_bytes)),
        names(names_of(o), clk) {}

  std::shared_ptr<byte_budget> budget;
  resolver names;
  std::vector<std::unique_ptr<fetch_loop>> loops;
};

asio_fetcher::asio_fetcher(fetcher_options options, const clock& clk, registry* stats)
    : impl_(std::make_shared<impl>(options, clk)) {
  size_t n = std::max<size_t>(options.io_threads, 1);
  for (size_t i = 0; i < n; ++i) {
    impl_->loops.push_back(
        std::make_unique<fetch_loop>(limits_of(options, n), impl_->budget, impl_->names, clk));
    impl_->loops.back()->start("http-fetch-" + std::to_string(i));
  }
  if (stats == nullptr)
    return;
  auto metrics = [&](std::string_view name, std::string_view help, uint64_t counts::*which) {
    stats->add_gauge_callback(
        name, help, [state = impl_, which] { return static_cast<double>(state->totals().*which); });
  };
  metrics("troupe_http_client_connections", "Open client connections.", &counts::open);
  metrics("troupe_http_client_idle_connections", "Client connections kept for reuse.",
          &counts::idle);
  metrics("troupe_http_client_connects", "Client connections made so far.", &counts::connects);
  metrics("troupe_http_client_evicted", "Idle connections closed for the descriptor budget so far.",
          &counts::evicted);
}

asio_fetcher::~asio_fetcher() {
  stop();
}

void asio_fetcher::fetch(std::vector<fetch_request> batch, done_fn done) {
  size_t n = impl_->loops.size();
  if (n == 1)
    return impl_->loops[0]->submit(std::move(batch), std::move(done));
  std::vector<std::vector<fetch_request>> parts(n);
  for (auto& r : batch) {
    TROUPE_CHECK(r.to != nullptr);
    parts[r.to->pool_key() % n].push_back(std::move(r));
  }
  for (size_t i = 0; i < n; ++i)
    if (!parts[i].empty())
      impl_->loops[i]->submit(std::move(parts[i]), done);
}

void asio_fetcher::stop() {
  impl_->names.stop();
  for (auto& loop : impl_->loops)
    loop->stop();
}

asio_fetcher::counts asio_fetcher::totals() const {
  return impl_->totals();
}

routing_fetcher::routing_fetcher(std::unique_ptr<fetcher> direct, std::unique_ptr<fetcher> curl)
    : direct_(std::move(direct)), curl_(std::move(curl)) {}

void routing_fetcher::fetch(std::vector<fetch_request> batch, done_fn done) {
  std::vector<fetch_request> by_curl;
  for (auto& r : batch)
    if (r.to->needs_curl() || r.grants)
      by_curl.push_back(std::move(r));
  if (!by_curl.empty()) {
    std::erase_if(batch, [](const fetch_request& r) { return r.to == nullptr; });
    curl_->fetch(std::move(by_curl), done);
  }
  if (!batch.empty())
    direct_->fetch(std::move(batch), std::move(done));
}

void routing_fetcher::stop() {
  direct_->stop();
  curl_->stop();
}

}  // namespace troupe::http
