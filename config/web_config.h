// The file of --web.config.file, as Prometheus' exporter-toolkit defines it: TLS, users, headers,
// rate limit. Plain data; the server reads it again when it changes.
#pragma once

#include "config/diagnostics.h"
#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/base/secret.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

struct web_tls_config {
  std::string cert;  ///< PEM text
  std::string cert_file;
  secret key;  ///< PEM text
  std::string key_file;
  std::string client_ca;  ///< PEM text
  std::string client_ca_file;
  /// NoClientCert, RequestClientCert, RequireAnyClientCert, VerifyClientCertIfGiven,
  /// RequireAndVerifyClientCert
  std::string client_auth_type = "NoClientCert";
  std::vector<std::string> client_allowed_sans;
  std::string min_version = "TLS12";
  std::string max_version = "TLS13";
  std::vector<std::string>
      cipher_suites;  ///< Go's names (TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256); empty: the default
  std::vector<std::string>
      curve_preferences;  ///< CurveP256, CurveP384, CurveP521, X25519; empty: the default
  bool prefer_server_cipher_suites = true;

  bool operator==(const web_tls_config&) const = default;
};

struct web_rate_limit {
  int64_t interval_ms = 0;  ///< time in which one request is allowed; 0: no limit
  int64_t burst = 0;

  bool operator==(const web_rate_limit&) const = default;
};

struct web_config {
  bool use_tls = false;  ///< a certificate is configured
  web_tls_config tls;
  bool http2 = true;
  bool http2_asked = false;                        ///< http2: true is written out; see inert.h
  std::map<std::string, std::string> headers;      ///< from the list of headers that may be set
  std::map<std::string, secret> basic_auth_users;  ///< name to bcrypt hash
  web_rate_limit rate_limit;

  bool operator==(const web_config&) const = default;
};

/// Reads and checks the text of a web configuration; `path` names it in errors and its folder
/// anchors relative files.
result<web_config> parse_web_config(std::string_view text, const std::string& path,
                                    diagnostics& errors);
/// Reads the file. The error's message has every problem, one a line. An empty file is a valid
/// empty configuration.
result<web_config> load_web_config(file_system& fs, const std::string& path);

}  // namespace troupe::config
