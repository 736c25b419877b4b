// What the endpoints of one job share: credentials, TLS, redirects, proxy. Private to the clients
// of this folder. Thread-safe.
#pragma once

#include "config/http_client_config.h"
#include "pipeline/http/endpoint.h"
#include "pipeline/http/grant.h"
#include "pipeline/http/tls.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::http {

class client_settings {
 public:
  client_settings(config::http_client_config config, client_environment env);

  /// Reads the TLS files once, so that a wrong path is told at once.
  status check() const;
  /// Distinguishes settings in connection pools.
  uint64_t id() const { return id_; }
  const config::http_client_config& config() const { return config_; }
  const std::string& user_agent() const { return env_.user_agent; }
  bool needs_curl() const { return needs_curl_; }
  /// What the oauth2 block authorises requests with; null without one.
  const grant_source* grants() const { return grants_.get(); }

  /// "Authorization: …" and http_headers as header lines; files are read now. The error names the
  /// file, never its content.
  result<std::string> credential_lines() const;
  /// The text of a field that may live in a file instead; trimmed as Prometheus does.
  result<std::string> read_secret(const std::string& file) const;
  /// For a connection made now; TLS files that changed are read again (looked at every 5 s).
  result<client_tls> tls_for(const std::string& host, int64_t now_ns) const;
  /// TLS texts with files read now, for libcurl.
  result<tls_material> read_tls(const config::tls_config& from) const;

 private:
  const config::http_client_config config_;
  const client_environment env_;
  const uint64_t id_;
  const bool needs_curl_;
  const bool has_credentials_;
  const std::unique_ptr<const grant_source> grants_;

  mutable std::mutex lock_;  ///< guards the context and what it was made of
  mutable tls_context context_;
  mutable tls_material material_;
  mutable int64_t checked_ns_ = 0;
};

/// Appends one http_headers map as header lines; `read` fetches files.
status append_header_values(const std::map<std::string, config::header_values>& from,
                            const client_settings& settings, std::string& out);
/// "Basic …" of RFC 7617.
std::string basic_credentials(const std::string& user, const std::string& password);

}  // namespace troupe::http
