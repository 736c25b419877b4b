// How an HTTP request is made: authentication, TLS, proxy, headers. Plain data, shared by scrape
// jobs, service discovery, alerting and remote endpoints. File paths are already joined with the
// configuration file's folder.
#pragma once

#include "storage/base/secret.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::config {

struct basic_auth_config {
  std::string username;
  std::string username_file;
  secret password;
  std::string password_file;

  bool operator==(const basic_auth_config&) const = default;
};

/// Sends "Authorization: <type> <credentials>". Also filled from bearer_token and
/// bearer_token_file.
struct authorization_config {
  std::string type = "Bearer";
  secret credentials;
  std::string credentials_file;

  bool operator==(const authorization_config&) const = default;
};

struct tls_config {
  std::string ca;  ///< PEM text
  std::string ca_file;
  std::string cert;  ///< PEM text
  std::string cert_file;
  secret key;  ///< PEM text
  std::string key_file;
  std::string server_name;
  bool insecure_skip_verify = false;
  std::string min_version;  ///< "", TLS10, TLS11, TLS12, TLS13; "" = TLS12
  std::string max_version;  ///< "" = TLS13

  bool operator==(const tls_config&) const = default;
};

/// One entry of http_headers: every value, secret and file gives one header line.
struct header_values {
  std::vector<std::string> values;
  std::vector<secret> secrets;
  std::vector<std::string> files;

  bool operator==(const header_values&) const = default;
};

struct proxy_config {
  std::string proxy_url;  ///< may hold a password: print it only through mask_url()
  std::string no_proxy;
  bool proxy_from_environment = false;
  std::map<std::string, std::vector<secret>> proxy_connect_header;

  bool operator==(const proxy_config&) const = default;
};

struct oauth2_config {
  std::string client_id;
  secret client_secret;
  std::string client_secret_file;
  std::string client_certificate_key_id;
  secret client_certificate_key;
  std::string client_certificate_key_file;
  std::string grant_type;           ///< "" = client_credentials
  std::string signature_algorithm;  ///< "" = RS256
  std::string iss;
  std::string audience;
  std::map<std::string, std::string> claims;
  std::vector<std::string> scopes;
  std::string token_url;
  std::map<std::string, std::string> endpoint_params;  ///< may hold a password
  tls_config tls;
  proxy_config proxy;
  std::map<std::string, header_values> http_headers;

  bool operator==(const oauth2_config&) const = default;
};

struct http_client_config {
  std::optional<basic_auth_config> basic_auth;
  std::optional<authorization_config> authorization;
  std::optional<oauth2_config> oauth2;
  tls_config tls;
  bool follow_redirects = true;
  bool enable_http2 = true;
  proxy_config proxy;
  std::map<std::string, header_values> http_headers;

  bool operator==(const http_client_config&) const = default;
};

}  // namespace troupe::config
