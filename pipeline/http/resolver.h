// Host names to addresses: a bounded cache in front of a few threads that may block. Thread-safe;
// owns its threads.
#pragma once

#include "pipeline/http/asio_fetcher.h"
#include "storage/base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::http {

using addresses = std::shared_ptr<const std::vector<std::string>>;

struct resolver_options {
  size_t threads = 2;  ///< at most 4 are started
  int64_t ttl_ms = 30'000;
  int64_t failure_ttl_ms = 2'000;
  int64_t stale_ms = 300'000;  ///< an old answer serves this long while lookups fail
  size_t max_entries = 65'536;
  lookup_fn lookup;  ///< null = getaddrinfo
};

class resolver {
 public:
  using done_fn = std::function<void(const result<addresses>&)>;

  resolver(resolver_options options, const clock& clk);
  ~resolver();
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;

  /// Calls `done` once: at once on this thread if the answer is cached (or the queue is full), else
  /// later on a resolver thread. One lookup serves all that wait for the same host.
  void resolve(const std::string& host, done_fn done);
  /// Lookups made so far.
  uint64_t lookups() const;
  /// Fails what waits with `canceled` and joins; a lookup under way is waited for.
  void stop();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

/// True for an IPv4 or IPv6 literal.
bool is_ip_literal(const std::string& host);

}  // namespace troupe::http
