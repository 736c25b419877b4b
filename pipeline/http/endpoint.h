// Where a fetch goes and with which credentials: an endpoint is one URL, its client_settings are
// shared by all endpoints of a job. Immutable; any thread.
#pragma once

#include "pipeline/http/http.h"
#include "pipeline/http/url.h"
#include "storage/base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe {
class file_system;
namespace config {
struct http_client_config;
}
}  // namespace troupe

namespace troupe::http {

/// A job's HTTP client configuration, checked once. Files it names are read when they are used.
class client_settings;
using client_settings_ptr = std::shared_ptr<const client_settings>;

/// What the settings need from outside; `files` must outlive them.
struct client_environment {
  file_system* files = nullptr;
  std::string user_agent = "troupe";
};

/// invalid_argument if the TLS files cannot be read or the settings contradict each other.
result<client_settings_ptr> make_client_settings(const config::http_client_config& from,
                                                 const client_environment& env);

class endpoint {
 public:
  endpoint(http::url where, client_settings_ptr settings, headers extra);

  const http::url& where() const { return where_; }
  const client_settings& settings() const { return *settings_; }
  const client_settings_ptr& shared_settings() const { return settings_; }
  /// Sent with every fetch of this endpoint.
  const headers& extra_headers() const { return extra_; }
  /// "/path?query"
  const std::string& target() const { return target_; }
  /// The Host header.
  const std::string& authority() const { return authority_; }
  /// Equal for endpoints that may share connections: same origin and same settings.
  uint64_t pool_key() const { return pool_key_; }
  /// True if only libcurl serves it (proxy, OAuth2).
  bool needs_curl() const;

 private:
  http::url where_;
  client_settings_ptr settings_;
  headers extra_;
  std::string target_;
  std::string authority_;
  uint64_t pool_key_;
};

/// Parses the URL; `extra` are headers of every fetch (Accept, …), values of which must be free of
/// CR, LF and NUL.
result<endpoint_ptr> make_endpoint(std::string_view url, client_settings_ptr settings,
                                   headers extra = {});

}  // namespace troupe::http
