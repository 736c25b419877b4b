// The HTTP/1.1 server: every listener, every connection, and the one guard (rate limit, TLS, basic
// auth, headers) in front of every route. Owns its I/O threads; the handler is called on them.
#pragma once

#include "pipeline/http/byte_budget.h"
#include "pipeline/http/http.h"
#include "storage/base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {
class clock;
class file_system;
class registry;
namespace config {
struct web_config;
}
}  // namespace troupe

namespace troupe::http {

/// Limits that are on by default; each refusal names the limit it hit.
struct server_limits {
  size_t max_connections = 512;
  size_t max_header_bytes = 32u << 10;       ///< 431
  int64_t header_timeout_ms = 5'000;         ///< 408
  int64_t request_timeout_ms = 30'000;       ///< head and body; 408
  uint64_t min_bytes_per_second = 1u << 10;  ///< of a body, after the first 5 s; 408
  int64_t idle_timeout_ms = 60'000;
  int64_t write_timeout_ms = 30'000;      ///< without any progress: dropped
  uint64_t max_body_bytes = 32ULL << 20;  ///< 413
  size_t max_requests_per_connection = 1u << 20;
};

struct server_options {
  /// "0.0.0.0:9090", ":9090", "[::1]:0", "localhost:9090"
  std::vector<std::string> listen = {"0.0.0.0:9090"};
  size_t io_threads = 2;
  server_limits limits;
  std::string route_prefix = "/";  ///< stripped from request::path; all else is 404
  std::string cors_origin = ".*";  ///< anchored regular expression
  /// Sent with every response unless the handler or the web configuration sets the same name.
  headers default_headers = {{"X-Content-Type-Options", "nosniff"}, {"X-Frame-Options", "DENY"}};
  /// "" = no TLS, no users. Looked at on every connection and request, re-read when it changed;
  /// a bad new file leaves the old settings in force and is logged.
  std::string web_config_file;
  /// Bytes of request bodies in flight; null = a budget of its own of 256 MiB. Full: 503.
  std::shared_ptr<byte_budget> budget;
  /// Most bytes of answers that wait for their clients to take them; beyond that 503.
  uint64_t answer_bytes = 256ULL << 20;
};

class server {
 public:
  /// `files`, `clk` and `stats` must outlive the server.
  server(server_options options, handler handle, file_system& files, const clock& clk,
         registry& stats);
  ~server();
  server(const server&) = delete;
  server& operator=(const server&) = delete;

  /// Reads the web configuration, binds all addresses and starts the threads; on failure nothing
  /// runs.
  status start();
  /// The bound addresses ("127.0.0.1:40123"), in the order of server_options::listen.
  const std::vector<std::string>& addresses() const;
  /// True if TLS is in force.
  bool secure() const;
  /// Stops accepting, closes idle connections, lets requests in flight finish, at most for
  /// `deadline_ms`, then closes everything and joins. Returns how many were cut off. Idempotent.
  size_t drain(int64_t deadline_ms);

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::http
