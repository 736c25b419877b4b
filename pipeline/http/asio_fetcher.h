// Direct HTTP and HTTPS fetches on a few I/O threads: whole wheel slots in, batches of results out,
// kept-alive connections under a descriptor budget. Owns its threads; stop() or the destructor
// joins.
#pragma once

#include "pipeline/http/byte_budget.h"
#include "pipeline/http/http.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {
class clock;
class registry;
}  // namespace troupe

namespace troupe::http {

/// A name's addresses as text ("127.0.0.1", "::1"), in order of preference. May block: it runs on a
/// resolver thread.
using lookup_fn = std::function<result<std::vector<std::string>>(const std::string& host)>;

struct fetcher_options {
  size_t io_threads = 1;
  size_t resolver_threads = 2;  ///< at most 4
  int64_t dns_ttl_ms = 30'000;
  size_t dns_cache_entries = 65'536;
  /// Idle connections kept in all; 0 = half of RLIMIT_NOFILE.
  size_t max_idle = 0;
  /// Open connections in all; 0 = four fifths of RLIMIT_NOFILE. Fetches above wait their turn.
  size_t max_open = 0;
  int64_t idle_timeout_ms = 300'000;
  /// Bytes of bodies in flight; null = a budget of its own of 256 MiB.
  std::shared_ptr<byte_budget> budget;
  lookup_fn lookup;  ///< null = getaddrinfo
};

class asio_fetcher final : public fetcher {
 public:
  /// `clk` and `stats` must outlive the fetcher; `stats` may be null.
  asio_fetcher(fetcher_options options, const clock& clk, registry* stats);
  ~asio_fetcher() override;

  void fetch(std::vector<fetch_request> batch, done_fn done) override;
  void stop() override;

  struct counts {
    uint64_t open = 0;      ///< connections now
    uint64_t idle = 0;      ///< of which unused
    uint64_t connects = 0;  ///< ever made
    uint64_t reused = 0;    ///< fetches on a kept-alive connection
    uint64_t evicted = 0;   ///< idle ones closed for the descriptor budget
  };
  counts totals() const;

 private:
  struct impl;
  std::shared_ptr<impl> impl_;  ///< shared with the metrics that read it
};

/// Sends each fetch to the client that can serve it. Both are owned.
class routing_fetcher final : public fetcher {
 public:
  routing_fetcher(std::unique_ptr<fetcher> direct, std::unique_ptr<fetcher> curl);
  void fetch(std::vector<fetch_request> batch, done_fn done) override;
  void stop() override;

 private:
  std::unique_ptr<fetcher> direct_;
  std::unique_ptr<fetcher> curl_;
};

}  // namespace troupe::http
