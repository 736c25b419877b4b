// Keys of relabelling rules and HTTP clients.
#include "config/schema.h"

#include <array>

namespace troupe::config {
namespace {

constexpr std::array<std::string_view, 11> action_names{
    "replace",  "keep",      "drop",      "keepequal", "dropequal", "hashmod",
    "labelmap", "labeldrop", "labelkeep", "lowercase", "uppercase"};

void describe_basic(fields& f, basic_auth_config& c) {
  f.text("username", c.username, shown::yes);
  f.path("username_file", c.username_file);
  f.secret_text("password", c.password);
  f.path("password_file", c.password_file);
}

void describe_authorization(fields& f, authorization_config& c) {
  f.text("type", c.type, shown::yes);
  f.secret_text("credentials", c.credentials);
  f.path("credentials_file", c.credentials_file);
}

// bearer_token and bearer_token_file are the old spelling of authorization.
void read_bearer_token(fields& f, http_client_config& c) {
  secret token;
  std::string file;
  f.secret_text("bearer_token", token);
  f.path("bearer_token_file", file);
  if (token.empty() && file.empty())
    return;
  const std::string_view key = token.empty() ? "bearer_token_file" : "bearer_token";
  if (!token.empty() && !file.empty())
    f.invalid(key, "at most one of bearer_token & bearer_token_file must be configured");
  if (c.basic_auth || c.oauth2)
    f.invalid(key,
              "at most one of basic_auth, oauth2, bearer_token & bearer_token_file must be "
              "configured");
  if (c.authorization)
    f.invalid(key, "authorization is not compatible with bearer_token & bearer_token_file");
  else if (token.empty() || file.empty())
    c.authorization = authorization_config{"Bearer", std::move(token), std::move(file)};
}

}  // namespace

std::span<const std::string_view> relabel_action_names() {
  return action_names;
}

void describe(fields& f, relabel_config& c) {
  f.texts("source_labels", c.source_labels, shown::yes);
  f.text("separator", c.separator, shown::yes, when::always);
  if (f.reading() || c.regex != relabel_config{}.regex)
    f.text("regex", c.regex, shown::yes, when::always);
  f.count("modulus", c.modulus);
  f.text("target_label", c.target_label, shown::yes);
  f.text("replacement", c.replacement, shown::yes, when::always);
  f.choice("action", c.action, action_names, when::always, true);
}

void describe(fields& f, tls_config& c) {
  f.text("ca", c.ca, shown::yes);
  f.text("cert", c.cert, shown::yes);
  f.secret_text("key", c.key);
  f.path("ca_file", c.ca_file);
  f.path("cert_file", c.cert_file);
  f.path("key_file", c.key_file);
  f.text("server_name", c.server_name, shown::yes);
  // Prometheus prints insecure_skip_verify in every tls_config that is set.
  const bool in_use = c != tls_config{};
  f.flag("insecure_skip_verify", c.insecure_skip_verify, in_use ? when::always : when::set);
  f.text("min_version", c.min_version, shown::yes);
  f.text("max_version", c.max_version, shown::yes);
}

void describe(fields& f, header_values& c) {
  f.texts("values", c.values, shown::yes);
  f.secrets("secrets", c.secrets);
  f.paths("files", c.files);
}

void describe(fields& f, proxy_config& c) {
  f.url("proxy_url", c.proxy_url);
  f.text("no_proxy", c.no_proxy, shown::yes);
  f.flag("proxy_from_environment", c.proxy_from_environment);
  f.secrets_map("proxy_connect_header", c.proxy_connect_header);
}

void describe(fields& f, oauth2_config& c) {
  f.text("client_id", c.client_id, shown::yes);
  f.secret_text("client_secret", c.client_secret);
  f.path("client_secret_file", c.client_secret_file);
  f.text("client_certificate_key_id", c.client_certificate_key_id, shown::yes);
  f.secret_text("client_certificate_key", c.client_certificate_key);
  f.path("client_certificate_key_file", c.client_certificate_key_file);
  f.text("grant_type", c.grant_type, shown::yes);
  f.text("signature_algorithm", c.signature_algorithm, shown::yes);
  f.text("iss", c.iss, shown::yes);
  f.text("audience", c.audience, shown::yes);
  f.text_map("claims", c.claims);
  f.texts("scopes", c.scopes, shown::yes);
  f.url("token_url", c.token_url);
  f.text_map("endpoint_params", c.endpoint_params);
  f.object("tls_config", c.tls, describe);
  describe(f, c.proxy);
  f.map("http_headers", c.http_headers, describe);
}

void describe(fields& f, http_client_config& c) {
  f.object("basic_auth", c.basic_auth, describe_basic);
  f.object("authorization", c.authorization, describe_authorization);
  f.object("oauth2", c.oauth2, describe);
  if (f.reading())
    read_bearer_token(f, c);
  f.object("tls_config", c.tls, describe);
  f.flag("follow_redirects", c.follow_redirects, when::always);
  f.flag("enable_http2", c.enable_http2, when::always);
  describe(f, c.proxy);
  f.map("http_headers", c.http_headers, describe);
}

}  // namespace troupe::config
