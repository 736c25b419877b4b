// Checks of relabelling rules, HTTP clients and service discoveries.
#include "config/defaults.h"
#include "config/schema.h"
#include "config/text.h"
#include "config/validate.h"
#include "config/yaml.h"
#include "storage/base/quote.h"
#include "storage/base/regex.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace troupe::config {
namespace {

using action = relabel_action;

// Headers that the client sets itself.
constexpr std::array<std::string_view, 19> reserved_headers{"authorization",
                                                            "host",
                                                            "content-encoding",
                                                            "content-length",
                                                            "content-type",
                                                            "user-agent",
                                                            "connection",
                                                            "keep-alive",
                                                            "proxy-authenticate",
                                                            "proxy-authorization",
                                                            "www-authenticate",
                                                            "accept-encoding",
                                                            "x-prometheus-remote-write-version",
                                                            "x-prometheus-remote-read-version",
                                                            "x-prometheus-scrape-timeout-seconds",
                                                            "x-amz-date",
                                                            "x-amz-security-token",
                                                            "x-amz-content-sha256",
                                                            "transfer-encoding"};

void add(diagnostics& out, std::string field, std::string message) {
  out.push_back({"", 0, 0, std::move(field), std::move(message)});
}

bool is_one_of(action a, std::initializer_list<action> set) {
  return std::find(set.begin(), set.end(), a) != set.end();
}

// [a-zA-Z_], $name and ${name} in any number, then word characters: what may come out as a label
// name.
bool is_legacy_template(std::string_view text) {
  const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  bool any = false;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '$') {
      if (!word(text[i]) || (!any && std::isdigit(static_cast<unsigned char>(text[i]))))
        return false;
      any = true;
      ++i;
      continue;
    }
    ++i;
    const bool braces = i < text.size() && text[i] == '{';
    i += braces ? 1 : 0;
    const size_t name = i;
    while (i < text.size() && word(text[i]))
      ++i;
    if (i == name || (braces && (i >= text.size() || text[i++] != '}')))
      return false;
    any = true;
  }
  return any;
}

bool is_name_template(std::string_view text, bool utf8) {
  return utf8 ? is_label_name(text, true) : is_legacy_template(text);
}

void check_other_fields(const relabel_config& c, const std::string& path, std::string_view name,
                        diagnostics& out) {
  const relabel_config initial;
  const bool extras = c.modulus != initial.modulus || c.separator != initial.separator ||
                      c.replacement != initial.replacement;
  if (is_one_of(c.action, {action::dropequal, action::keepequal}) &&
      (extras || c.regex != initial.regex))
    add(out, path,
        std::string(name) +
            " action requires only 'source_labels' and 'target_label', and no other fields");
  if (is_one_of(c.action, {action::labeldrop, action::labelkeep}) &&
      (extras || !c.source_labels.empty() || !c.target_label.empty()))
    add(out, path, std::string(name) + " action requires only 'regex', and no other fields");
}

void check_target(const relabel_config& c, const std::string& path, std::string_view name,
                  bool utf8, diagnostics& out) {
  if (c.target_label.empty()) {
    add(out, path,
        "relabel configuration for " + std::string(name) + " action requires 'target_label' value");
    return;
  }
  const bool is_template =
      c.action == action::replace && c.target_label.find('$') != std::string::npos;
  if (is_template ? !is_name_template(c.target_label, utf8) : !is_label_name(c.target_label, utf8))
    add(out, child_path(path, "target_label"),
        quoted(c.target_label) + " is invalid 'target_label' for " + std::string(name) + " action");
}

void check_headers(const std::map<std::string, header_values>& headers, const std::string& path,
                   diagnostics& out) {
  for (const auto& [name, values] : headers)
    if (std::find(reserved_headers.begin(), reserved_headers.end(), lower(name)) !=
        reserved_headers.end())
      add(out, child_path(child_path(path, "http_headers"), name),
          "setting header " + quoted(name) + " is not allowed");
}

void check_proxy(const proxy_config& c, const std::string& path, diagnostics& out) {
  if (!c.proxy_connect_header.empty() && !c.proxy_from_environment && c.proxy_url.empty())
    add(out, child_path(path, "proxy_connect_header"),
        "if proxy_connect_header is configured, proxy_url or proxy_from_environment must also be "
        "configured");
  if (c.proxy_from_environment && !c.proxy_url.empty())
    add(out, child_path(path, "proxy_from_environment"),
        "if proxy_from_environment is configured, proxy_url must not be configured");
  if (c.proxy_from_environment && !c.no_proxy.empty())
    add(out, child_path(path, "proxy_from_environment"),
        "if proxy_from_environment is configured, no_proxy must not be configured");
  if (c.proxy_url.empty() && !c.no_proxy.empty() && !c.proxy_from_environment)
    add(out, child_path(path, "no_proxy"),
        "if no_proxy is configured, proxy_url must also be configured");
}

void check_oauth2(const oauth2_config& c, const std::string& path, diagnostics& out) {
  constexpr auto jwt = defaults::jwt_grant_type;
  if (c.client_id.empty())
    add(out, path, "oauth2 client_id must be configured");
  if (c.token_url.empty())
    add(out, path, "oauth2 token_url must be configured");
  else if (const auto s = check_url(c.token_url); !s.ok())
    add(out, child_path(path, "token_url"), std::string(s.message()));
  if (!c.grant_type.empty() && c.grant_type != "client_credentials" && c.grant_type != jwt)
    add(out, child_path(path, "grant_type"), "must be client_credentials or " + std::string(jwt));
  if (!c.client_secret.empty() && !c.client_secret_file.empty())
    add(out, path, "at most one of oauth2 client_secret & client_secret_file must be configured");
  if (!c.client_certificate_key.empty() && !c.client_certificate_key_file.empty())
    add(out, path,
        "at most one of oauth2 client_certificate_key & client_certificate_key_file must be "
        "configured");
  if (c.grant_type == jwt && c.client_certificate_key.empty() &&
      c.client_certificate_key_file.empty())
    add(out, path, "oauth2 client_certificate_key must be configured with grant_type jwt-bearer");
  if (!c.signature_algorithm.empty() && c.signature_algorithm != "RS256" &&
      c.signature_algorithm != "RS384" && c.signature_algorithm != "RS512")
    add(out, child_path(path, "signature_algorithm"), "must be RS256, RS384 or RS512");
  validate(c.tls, child_path(path, "tls_config"), out);
  check_proxy(c.proxy, path, out);
  check_headers(c.http_headers, path, out);
}

void check_authorization(const http_client_config& c, const std::string& path, diagnostics& out) {
  const auto& a = *c.authorization;
  const auto own = child_path(path, "authorization");
  if (!a.credentials.empty() && !a.credentials_file.empty())
    add(out, own, "at most one of authorization credentials & credentials_file must be configured");
  if (lower(a.type) == "basic")
    add(out, own, "authorization type cannot be set to \"basic\", use \"basic_auth\" instead");
  if (c.basic_auth || c.oauth2)
    add(out, own, "at most one of basic_auth, oauth2 & authorization must be configured");
}

// ^[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)$
bool is_target_file_pattern(std::string_view path) {
  const auto star = path.find('*');
  if (star != std::string_view::npos && path.find('/', star) != std::string_view::npos)
    return false;
  constexpr std::string_view endings[] = {".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"};
  return std::any_of(std::begin(endings), std::end(endings),
                     [&](std::string_view e) { return path.ends_with(e); });
}

void check_static(const std::vector<target_group>& groups, const std::string& path,
                  bool urls_allowed, diagnostics& out) {
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto own = item_path(path, i);
    for (size_t t = 0; t < groups[i].targets.size(); ++t)
      if (!urls_allowed && groups[i].targets[t].find('/') != std::string::npos)
        add(out, item_path(child_path(own, "targets"), t),
            quoted(groups[i].targets[t]) + " is not a valid hostname");
    for (const auto& [name, value] : groups[i].labels)
      if (!is_label_name(name, true))
        add(out, child_path(child_path(own, "labels"), name),
            quoted(name) + " is not a valid label name");
  }
}

void check_file_sd(const file_sd_config& c, const std::string& path, diagnostics& out) {
  if (c.files.empty())
    add(out, path, "file service discovery config must contain at least one path name");
  for (size_t i = 0; i < c.files.size(); ++i)
    if (!is_target_file_pattern(c.files[i]))
      add(out, item_path(child_path(path, "files"), i),
          "path name " + quoted(c.files[i]) + " is not valid for file discovery");
  if (c.refresh_interval_ms == 0)
    add(out, child_path(path, "refresh_interval"), "must be more than 0");
}

void check_http_sd(const http_sd_config& c, const std::string& path, diagnostics& out) {
  if (c.url.empty())
    add(out, path, "URL is missing");
  else if (const auto s = check_url(c.url); !s.ok())
    add(out, child_path(path, "url"), "URL " + std::string(s.message()));
  if (c.refresh_interval_ms == 0)
    add(out, child_path(path, "refresh_interval"), "must be more than 0");
  validate(c.client, path, out);
}

}  // namespace

void validate(const relabel_config& c, const std::string& path, bool utf8, diagnostics& out) {
  const auto name = relabel_action_names()[static_cast<size_t>(c.action)];
  for (size_t i = 0; i < c.source_labels.size(); ++i)
    if (!is_label_name(c.source_labels[i], true))
      add(out, item_path(child_path(path, "source_labels"), i),
          quoted(c.source_labels[i]) + " is not a valid label name");
  if (const auto r = regex::compile(c.regex); !r.ok())
    add(out, child_path(path, "regex"), std::string(r.error().message()));
  if (c.action == action::hashmod && c.modulus == 0)
    add(out, path, "relabel configuration for hashmod requires non-zero modulus");
  const bool folds = is_one_of(
      c.action, {action::lowercase, action::uppercase, action::keepequal, action::dropequal});
  if (folds || is_one_of(c.action, {action::replace, action::hashmod}))
    check_target(c, path, name, utf8, out);
  if (folds && c.replacement != relabel_config{}.replacement)
    add(out, child_path(path, "replacement"),
        "'replacement' can not be set for " + std::string(name) + " action");
  if (c.action == action::labelmap && !is_name_template(c.replacement, utf8))
    add(out, child_path(path, "replacement"),
        quoted(c.replacement) + " is invalid 'replacement' for " + std::string(name) + " action");
  check_other_fields(c, path, name, out);
}

void validate(const tls_config& c, const std::string& path, diagnostics& out) {
  const auto both = [&](bool a, bool b, std::string_view what) {
    if (a && b)
      add(out, path,
          "at most one of " + std::string(what) + " & " + std::string(what) +
              "_file must be configured");
  };
  both(!c.ca.empty(), !c.ca_file.empty(), "ca");
  both(!c.cert.empty(), !c.cert_file.empty(), "cert");
  both(!c.key.empty(), !c.key_file.empty(), "key");
  const bool cert = !c.cert.empty() || !c.cert_file.empty();
  const bool key = !c.key.empty() || !c.key_file.empty();
  if (cert && !key)
    add(out, path,
        "exactly one of key or key_file must be configured when a client certificate is "
        "configured");
  if (key && !cert)
    add(out, path,
        "exactly one of cert or cert_file must be configured when a client key is configured");
  for (const auto& [field, version] :
       {std::pair("min_version", &c.min_version), std::pair("max_version", &c.max_version)})
    if (!version->empty() && *version != "TLS10" && *version != "TLS11" && *version != "TLS12" &&
        *version != "TLS13")
      add(out, child_path(path, field), "unknown TLS version: " + *version);
  if (!c.min_version.empty() && !c.max_version.empty() && c.min_version > c.max_version)
    add(out, child_path(path, "max_version"),
        "tls_config.max_version must be greater than or equal to tls_config.min_version if both "
        "are specified");
}

void validate(const http_client_config& c, const std::string& path, diagnostics& out) {
  if (c.basic_auth) {
    const auto own = child_path(path, "basic_auth");
    if (!c.basic_auth->username.empty() && !c.basic_auth->username_file.empty())
      add(out, own, "at most one of basic_auth username & username_file must be configured");
    if (!c.basic_auth->password.empty() && !c.basic_auth->password_file.empty())
      add(out, own, "at most one of basic_auth password & password_file must be configured");
  }
  if (c.authorization)
    check_authorization(c, path, out);
  if (c.oauth2) {
    if (c.basic_auth)
      add(out, child_path(path, "oauth2"),
          "at most one of basic_auth, oauth2 & authorization must be configured");
    check_oauth2(*c.oauth2, child_path(path, "oauth2"), out);
  }
  validate(c.tls, child_path(path, "tls_config"), out);
  check_proxy(c.proxy, path, out);
  check_headers(c.http_headers, path, out);
}

void validate(const service_discovery& c, const std::string& path, bool urls_allowed,
              diagnostics& out) {
  check_static(c.static_groups, child_path(path, "static_configs"), urls_allowed, out);
  for (size_t i = 0; i < c.file.size(); ++i)
    check_file_sd(c.file[i], item_path(child_path(path, "file_sd_configs"), i), out);
  for (size_t i = 0; i < c.http.size(); ++i)
    check_http_sd(c.http[i], item_path(child_path(path, "http_sd_configs"), i), out);
  size_t index = 0;
  for (size_t i = 0; i < c.inert.size(); ++i) {
    index = i > 0 && c.inert[i].kind == c.inert[i - 1].kind ? index + 1 : 0;
    validate(c.inert[i].client, item_path(child_path(path, c.inert[i].kind + "_sd_configs"), index),
             out);
  }
}

}  // namespace troupe::config
