// Checks of the blocks of the main file.
#include "config/validate.h"

#include "config/text.h"
#include "config/topic_stream.h"
#include "config/yaml.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

namespace troupe::config {
namespace {

// Headers that a remote endpoint's client sets itself; Authorization has a message of its own.
constexpr std::array<std::string_view, 16> remote_reserved{"host",
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
                                                           "x-amz-date",
                                                           "x-amz-security-token",
                                                           "x-amz-content-sha256"};

void add(diagnostics& out, std::string field, std::string message) {
  out.push_back({"", 0, 0, std::move(field), std::move(message)});
}

void check_headers(const std::map<std::string, std::string>& headers, const std::string& path,
                   std::string_view authorization_message, diagnostics& out) {
  for (const auto& [name, value] : headers) {
    const auto l = lower(name);
    if (l == "authorization")
      add(out, child_path(path, name), std::string(authorization_message));
    else if (std::find(remote_reserved.begin(), remote_reserved.end(), l) != remote_reserved.end())
      add(out, child_path(path, name), name + " is a reserved header. It must not be changed");
  }
}

void check_rules(const std::vector<relabel_config>& rules, const std::string& path, bool utf8,
                 diagnostics& out) {
  for (size_t i = 0; i < rules.size(); ++i)
    validate(rules[i], item_path(path, i), utf8, out);
}

void check_protocols(const std::vector<scrape_protocol>& protocols, const std::string& path,
                     diagnostics& out) {
  std::set<scrape_protocol> seen;
  for (size_t i = 0; i < protocols.size(); ++i)
    if (!seen.insert(protocols[i]).second)
      add(out, item_path(path, i), "duplicated protocol in scrape_protocols");
}

void check_sigv4(const sigv4_config& c, const std::string& path, diagnostics& out) {
  if (c.access_key.empty() != c.secret_key.empty())
    add(out, child_path(path, "sigv4"),
        "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the "
        "SigV4 config");
}

void check_azuread(const azuread_config& c, const std::string& parent, diagnostics& out) {
  const auto path = child_path(parent, "azuread");
  if (c.cloud != "AzurePublic" && c.cloud != "AzureChina" && c.cloud != "AzureGovernment")
    add(out, child_path(path, "cloud"), "must be one of AzurePublic, AzureChina, AzureGovernment");
  const int ways = (c.managed_identity ? 1 : 0) + (c.workload_identity ? 1 : 0) +
                   (c.oauth ? 1 : 0) + (c.sdk ? 1 : 0);
  if (ways != 1)
    add(out, path, "exactly one of managed_identity, workload_identity, oauth, sdk must be set");
  if (c.workload_identity &&
      (c.workload_identity->client_id.empty() || c.workload_identity->tenant_id.empty()))
    add(out, child_path(path, "workload_identity"), "client_id and tenant_id must be set");
  if (c.oauth &&
      (c.oauth->client_id.empty() || c.oauth->client_secret.empty() || c.oauth->tenant_id.empty()))
    add(out, child_path(path, "oauth"), "client_id, client_secret and tenant_id must be set");
}

// ^[^*]*(\*[^/]*)?$
bool is_glob_path(std::string_view path) {
  const auto star = path.find('*');
  return star == std::string_view::npos || path.find('/', star) == std::string_view::npos;
}

void check_globs(const std::vector<std::string>& globs, std::string_view key, std::string_view what,
                 diagnostics& out) {
  for (size_t i = 0; i < globs.size(); ++i)
    if (!is_glob_path(globs[i]))
      add(out, item_path(key, i), "invalid " + std::string(what) + " path " + quoted(globs[i]));
}

template <class T>
void check_unique_names(const std::vector<T>& all, std::string_view key, std::string_view what,
                        diagnostics& out) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < all.size(); ++i)
    if (!all[i].name.empty() && !names.insert(all[i].name).second)
      add(out, child_path(item_path(key, i), "name"),
          "found multiple " + std::string(what) + " configs with job name " + quoted(all[i].name));
}

void check_attributes(const std::vector<std::string>& attributes, const std::string& path,
                      std::string_view adjective, diagnostics& out) {
  std::set<std::string_view> seen;
  for (size_t i = 0; i < attributes.size(); ++i) {
    if (attributes[i].find_first_not_of(" \t") == std::string::npos)
      add(out, item_path(path, i), "empty " + std::string(adjective) + " OTel resource attribute");
    else if (!seen.insert(attributes[i]).second)
      add(out, item_path(path, i),
          "duplicated " + std::string(adjective) + " OTel resource attribute " +
              quoted(attributes[i]));
  }
}

void validate_alertmanager(const alertmanager_config& c, const std::string& path, bool utf8,
                           diagnostics& out) {
  validate(c.client, path, out);
  if (c.sigv4) {
    check_sigv4(*c.sigv4, path, out);
    if (c.client.basic_auth || c.client.authorization || c.client.oauth2)
      add(out, child_path(path, "sigv4"),
          "at most one of basic_auth, authorization, oauth2, & sigv4 must be configured");
  }
  if (c.api_version != "v2")
    add(out, child_path(path, "api_version"),
        "expected Alertmanager api version to be one of [v2] but got " + c.api_version);
  validate(c.discovery, path, !c.relabel_configs.empty(), out);
  check_rules(c.relabel_configs, child_path(path, "relabel_configs"), utf8, out);
  check_rules(c.alert_relabel_configs, child_path(path, "alert_relabel_configs"), utf8, out);
}

void check_one_auth(const remote_write_config& c, const std::string& path, diagnostics& out) {
  std::string configured;
  const auto note = [&](bool is_set, std::string_view name) {
    if (is_set)
      configured += (configured.empty() ? "" : " ") + std::string(name);
  };
  note(c.client.basic_auth.has_value(), "basic_auth");
  note(c.client.authorization.has_value(), "authorization");
  note(c.client.oauth2.has_value(), "oauth2");
  note(c.sigv4.has_value(), "sigv4");
  note(c.azuread.has_value(), "azuread");
  note(c.google_iam.has_value(), "google_iam");
  if (configured.find(' ') != std::string::npos)
    add(out, path,
        "at most one of basic_auth, authorization, oauth2, sigv4, azuread or google_iam must be "
        "configured. Currently configured: [" +
            configured + "]");
}

}  // namespace

void check_remote_headers(const std::map<std::string, std::string>& headers,
                          const std::string& path, diagnostics& out) {
  check_headers(headers, child_path(path, "headers"),
                "authorization header must be changed via the basic_auth, authorization, oauth2, "
                "sigv4, azuread or google_iam parameter",
                out);
}

void validate(const global_config& c, const std::string& path, diagnostics& out) {
  if (c.scrape_timeout_ms > c.scrape_interval_ms)
    add(out, child_path(path, "scrape_timeout"),
        "global scrape timeout greater than scrape interval");
  check_protocols(c.scrape_protocols, child_path(path, "scrape_protocols"), out);
  const bool utf8 = c.validation == name_validation::utf8;
  for (const auto& [name, value] : c.external_labels) {
    const auto own = child_path(child_path(path, "external_labels"), name);
    if (!is_label_name(name, utf8))
      add(out, own, quoted(name) + " is not a valid label name");
    if (!is_valid_utf8(value))
      add(out, own, quoted(value) + " is not a valid label value");
  }
}

void validate(const scrape_config& c, const std::string& path, diagnostics& out) {
  if (c.job_name.empty())
    add(out, path, "job_name is empty");
  if (c.scrape_timeout_ms > c.scrape_interval_ms)
    add(out, child_path(path, "scrape_timeout"),
        "scrape timeout greater than scrape interval for scrape config with job name " +
            quoted(c.job_name));
  check_protocols(c.scrape_protocols, child_path(path, "scrape_protocols"), out);
  if (c.escaping == name_escaping::allow_utf8 && c.validation != name_validation::utf8)
    add(out, child_path(path, "metric_name_escaping_scheme"),
        "utf8 metric names requested but validation scheme is not set to UTF8");
  const bool utf8 = c.validation == name_validation::utf8;
  validate(c.client, path, out);
  validate(c.discovery, path, !c.relabel_configs.empty(), out);
  check_rules(c.relabel_configs, child_path(path, "relabel_configs"), utf8, out);
  check_rules(c.metric_relabel_configs, child_path(path, "metric_relabel_configs"), utf8, out);
}

void validate(const alerting_config& c, const std::string& path, bool utf8, diagnostics& out) {
  check_rules(c.alert_relabel_configs, child_path(path, "alert_relabel_configs"), utf8, out);
  for (size_t i = 0; i < c.alertmanagers.size(); ++i)
    validate_alertmanager(c.alertmanagers[i], item_path(child_path(path, "alertmanagers"), i), utf8,
                          out);
}

void validate(const remote_write_config& c, const std::string& path, bool utf8, diagnostics& out) {
  if (c.url.empty())
    add(out, path, "url for remote_write is empty");
  else if (const auto s = is_topic_url(c.url) ? parse_topic_url(c.url).error() : check_url(c.url);
           !s.ok())
    add(out, child_path(path, "url"), std::string(s.message()));
  check_remote_headers(c.headers, path, out);
  if (c.protobuf_message != "prometheus.WriteRequest" &&
      c.protobuf_message != "io.prometheus.write.v2.Request")
    add(out, child_path(path, "protobuf_message"),
        "unknown type for remote write protobuf message " + c.protobuf_message +
            ", supported: prometheus.WriteRequest, io.prometheus.write.v2.Request");
  validate(c.client, path, out);
  check_one_auth(c, path, out);
  if (c.sigv4)
    check_sigv4(*c.sigv4, path, out);
  if (c.azuread)
    check_azuread(*c.azuread, path, out);
  check_rules(c.write_relabel_configs, child_path(path, "write_relabel_configs"), utf8, out);
}

void validate(const remote_read_config& c, const std::string& path, diagnostics& out) {
  if (c.url.empty())
    add(out, path, "url for remote_read is empty");
  else if (const auto s = check_url(c.url); !s.ok())
    add(out, child_path(path, "url"), std::string(s.message()));
  check_remote_headers(c.headers, path, out);
  for (const auto& [name, value] : c.required_matchers)
    if (!is_label_name(name, true))
      add(out, child_path(child_path(path, "required_matchers"), name),
          quoted(name) + " is not a valid label name");
  validate(c.client, path, out);
}

void validate(const otlp_config& c, const std::string& path, bool utf8, diagnostics& out) {
  const auto& strategy = c.translation_strategy;
  const auto own = child_path(path, "translation_strategy");
  if (strategy == "NoTranslation" || strategy == "NoUTF8EscapingWithSuffixes") {
    if (!utf8)
      add(out, own,
          "OTLP translation strategy " + quoted(strategy) +
              " is not allowed when UTF8 is disabled");
  } else if (!strategy.empty() && strategy != "UnderscoreEscapingWithSuffixes" &&
             strategy != "UnderscoreEscapingWithoutSuffixes") {
    add(out, own, "unsupported OTLP translation strategy " + quoted(strategy));
  }
  if (c.promote_all_resource_attributes && !c.promote_resource_attributes.empty())
    add(out, child_path(path, "promote_resource_attributes"),
        "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured "
        "simultaneously");
  if (!c.promote_all_resource_attributes && !c.ignore_resource_attributes.empty())
    add(out, child_path(path, "ignore_resource_attributes"),
        "'ignore_resource_attributes' cannot be configured unless "
        "'promote_all_resource_attributes' is true");
  check_attributes(c.promote_resource_attributes, child_path(path, "promote_resource_attributes"),
                   "promoted", out);
  check_attributes(c.ignore_resource_attributes, child_path(path, "ignore_resource_attributes"),
                   "ignored", out);
}

void validate(const tracing_config& c, const std::string& path, diagnostics& out) {
  if (c.client_type != "http" && c.client_type != "grpc")
    add(out, child_path(path, "client_type"),
        "expected tracing client type to be to be http or grpc, but got " + c.client_type);
  if (!c.compression.empty() && c.compression != "gzip")
    add(out, child_path(path, "compression"),
        "invalid compression type " + c.compression + " provided, valid options: gzip");
  check_headers(c.headers, child_path(path, "headers"),
                "custom authorization header configuration is not yet supported", out);
  validate(c.tls, child_path(path, "tls_config"), out);
}

void validate(const config& c, diagnostics& out) {
  const bool utf8 = c.global.validation == name_validation::utf8;
  validate(c.global, "global", out);
  check_globs(c.rule_files, "rule_files", "rule file", out);
  check_globs(c.scrape_config_files, "scrape_config_files", "scrape config file", out);
  std::set<std::string_view> jobs;
  for (size_t i = 0; i < c.scrape_configs.size(); ++i) {
    const auto path = item_path("scrape_configs", i);
    validate(c.scrape_configs[i], path, out);
    if (!c.scrape_configs[i].job_name.empty() && !jobs.insert(c.scrape_configs[i].job_name).second)
      add(out, child_path(path, "job_name"),
          "found multiple scrape configs with job name " + quoted(c.scrape_configs[i].job_name));
  }
  validate(c.alerting, "alerting", utf8, out);
  for (size_t i = 0; i < c.remote_write.size(); ++i)
    validate(c.remote_write[i], item_path("remote_write", i), utf8, out);
  check_unique_names(c.remote_write, "remote_write", "remote write", out);
  for (size_t i = 0; i < c.remote_read.size(); ++i)
    validate(c.remote_read[i], item_path("remote_read", i), out);
  check_unique_names(c.remote_read, "remote_read", "remote read", out);
  validate(c.otlp, "otlp", utf8, out);
  validate(c.tracing, "tracing", out);
}

}  // namespace troupe::config
