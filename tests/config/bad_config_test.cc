// Wrong configurations and the exact text of every error.
#include "tests/config/config_fixture.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

struct bad {
  std::string_view yaml;
  std::string_view errors;
};

void expect_all(std::initializer_list<bad> cases) {
  for (const auto& c : cases)
    EXPECT_EQ(errors_of(c.yaml), c.errors) << c.yaml;
}

// One job with more keys.
std::string job(std::string_view keys) {
  return "scrape_configs:\n- job_name: x\n  " + std::string(keys) + "\n";
}

void expect_job(std::initializer_list<bad> cases) {
  for (const auto& c : cases)
    EXPECT_EQ(errors_of(job(c.yaml)), c.errors) << c.yaml;
}

TEST(bad_config, collects_all_errors_in_order) {
  EXPECT_EQ(errors_of("global:\n"
                      "  scrape_intervall: 5s\n"
                      "  scrape_timeout: soon\n"
                      "scrape_configs:\n"
                      "- job_name: a\n"
                      "  scrape_interval: [1s]\n"
                      "- job_name: a\n"
                      "  static_configs:\n"
                      "  - targets: x\n"
                      "unknown: 1\n"),
            "c.yml:2:3: global.scrape_intervall: unknown field\n"
            "c.yml:3:19: global.scrape_timeout: not a valid duration string: \"soon\"\n"
            "c.yml:6:20: scrape_configs[0].scrape_interval: must be a duration, not a list\n"
            "c.yml:7:3: scrape_configs[1].job_name: found multiple scrape configs with job name "
            "\"a\"\n"
            "c.yml:9:14: scrape_configs[1].static_configs[0].targets: must be a list, not a single "
            "value\n"
            "c.yml:10:1: unknown: unknown field");
}

TEST(bad_config, wrong_types) {
  expect_all({
      {"[1]\n", "c.yml:1:1: must be a mapping, not a list"},
      {"text\n", "c.yml:1:1: must be a mapping, not a single value"},
      {"global: 5\n", "c.yml:1:9: global: must be a mapping, not a single value"},
      {"global: {sample_limit: -1}\n",
       "c.yml:1:24: global.sample_limit: must be an integer of at least 0, not \"-1\""},
      {"global: {sample_limit: \"5\"}\n",
       "c.yml:1:24: global.sample_limit: must be an integer of at least 0, not the string \"5\""},
      {"global: {body_size_limit: 5}\n",
       "c.yml:1:27: global.body_size_limit: not a valid size: \"5\": missing unit (B, KB, MB, GB, "
       "TB, PB, EB)"},
      {"global: {scrape_interval: 15}\n",
       "c.yml:1:27: global.scrape_interval: not a valid duration string: \"15\""},
      {"global: {scrape_native_histograms: \"true\"}\n",
       "c.yml:1:36: global.scrape_native_histograms: must be true or false, not the string "
       "\"true\""},
      {"global: {external_labels: [a]}\n",
       "c.yml:1:27: global.external_labels: must be a mapping, not a list"},
      {"global: {external_labels: {a: [b]}}\n",
       "c.yml:1:31: global.external_labels.a: must be a string, not a list"},
      {"rule_files: x.yml\n", "c.yml:1:13: rule_files: must be a list, not a single value"},
      {"rule_files: [[x]]\n", "c.yml:1:14: rule_files[0]: must be a string, not a list"},
      {"scrape_configs: {}\n", "c.yml:1:17: scrape_configs: must be a list, not a mapping"},
      {"scrape_configs:\n-\n", "c.yml:3:1: scrape_configs[0]: empty or null entry"},
      {"scrape_configs: [x]\n",
       "c.yml:1:18: scrape_configs[0]: must be a mapping, not a single value"},
      {"runtime: {gogc: lots}\n", "c.yml:1:17: runtime.gogc: must be an integer, not \"lots\""},
      {"tracing: {endpoint: a, sampling_fraction: x}\n",
       "c.yml:1:43: tracing.sampling_fraction: must be a number, not \"x\""},
      {"global: {external_labels: {a: \"\xff\"}}\n",
       "c.yml:1:31: global.external_labels.a: must be valid UTF-8"},
  });
}

TEST(bad_config, global) {
  expect_all({
      {"global: {scrape_interval: 5s, scrape_timeout: 6s}\n",
       "c.yml:1:31: global.scrape_timeout: global scrape timeout greater than scrape interval"},
      {"global: {external_labels: {\"\": x}}\n",
       "c.yml:1:28: global.external_labels[\"\"]: \"\" is not a valid label name"},
      {"global: {metric_name_validation_scheme: legacy, external_labels: {a.b: x}}\n",
       "c.yml:1:67: global.external_labels[\"a.b\"]: \"a.b\" is not a valid label name"},
      {"global: {metric_name_validation_scheme: ascii}\n",
       "c.yml:1:41: global.metric_name_validation_scheme: unknown value \"ascii\", must be one of "
       "utf8, legacy"},
      {"global: {scrape_protocols: [PrometheusText0.0.4, HTTP]}\n",
       "c.yml:1:50: global.scrape_protocols[1]: unknown value \"HTTP\", must be one of "
       "PrometheusProto, OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, "
       "PrometheusText0.0.4"},
      {"global: {scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]}\n",
       "c.yml:1:50: global.scrape_protocols[1]: duplicated protocol in scrape_protocols"},
      {"rule_files: [\"a*/b.yml\"]\n",
       "c.yml:1:14: rule_files[0]: invalid rule file path \"a*/b.yml\""},
      {"scrape_config_files: [\"a*/b.yml\"]\n",
       "c.yml:1:23: scrape_config_files[0]: invalid scrape config file path \"a*/b.yml\""},
  });
}

TEST(bad_config, jobs) {
  EXPECT_EQ(errors_of("scrape_configs: [{scheme: https}]\n"),
            "c.yml:1:18: scrape_configs[0]: job_name is empty");
  expect_job({
      {"scrape_timeout: 2m",
       "c.yml:3:3: scrape_configs[0].scrape_timeout: scrape timeout greater than scrape interval "
       "for scrape config with job name \"x\""},
      {"fallback_scrape_protocol: text",
       "c.yml:3:29: scrape_configs[0].fallback_scrape_protocol: unknown value \"text\", must be "
       "one of PrometheusProto, OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, "
       "PrometheusText0.0.4"},
      {"metric_name_validation_scheme: legacy\n  metric_name_escaping_scheme: allow-utf-8",
       "c.yml:4:3: scrape_configs[0].metric_name_escaping_scheme: utf8 metric names requested but "
       "validation scheme is not set to UTF8"},
      {"static_configs: [{targets: [\"http://a/b\"]}]",
       "c.yml:3:31: scrape_configs[0].static_configs[0].targets[0]: \"http://a/b\" is not a valid "
       "hostname"},
      {"static_configs: [{targets: [a], labels: {\"\": b}}]",
       "c.yml:3:44: scrape_configs[0].static_configs[0].labels[\"\"]: \"\" is not a valid label "
       "name"},
      {"static_configs: [{target: [a]}]",
       "c.yml:3:21: scrape_configs[0].static_configs[0].target: unknown field"},
      {"params: {a: b}",
       "c.yml:3:15: scrape_configs[0].params.a: must be a list, not a single value"},
      {"file_sd_configs: [{files: []}]",
       "c.yml:3:21: scrape_configs[0].file_sd_configs[0]: file service discovery config must "
       "contain at least one path name"},
      {"file_sd_configs: [{files: [a.txt, \"*/b.yml\"]}]",
       "c.yml:3:30: scrape_configs[0].file_sd_configs[0].files[0]: path name \"a.txt\" is not "
       "valid for file discovery\n"
       "c.yml:3:37: scrape_configs[0].file_sd_configs[0].files[1]: path name \"*/b.yml\" is not "
       "valid for file discovery"},
      {"http_sd_configs: [{refresh_interval: 0s}]",
       "c.yml:3:21: scrape_configs[0].http_sd_configs[0]: URL is missing\n"
       "c.yml:3:22: scrape_configs[0].http_sd_configs[0].refresh_interval: must be more than 0"},
      {"http_sd_configs: [{url: \"ftp://a\"}]",
       "c.yml:3:22: scrape_configs[0].http_sd_configs[0].url: URL scheme must be 'http' or "
       "'https'"},
      {"kubernetes_sd_config: []",
       "c.yml:3:3: scrape_configs[0].kubernetes_sd_config: unknown field"},
  });
  // Relabelling may mend a target that is a URL.
  EXPECT_EQ(errors_of(job("static_configs: [{targets: [\"http://a/b\"]}]\n"
                          "  relabel_configs: [{target_label: a}]")),
            "");
}

TEST(bad_config, clients) {
  expect_job({
      {"basic_auth: {username: a, username_file: b, password: c, password_file: d}",
       "c.yml:3:3: scrape_configs[0].basic_auth: at most one of basic_auth username & "
       "username_file must be configured\n"
       "c.yml:3:3: scrape_configs[0].basic_auth: at most one of basic_auth password & "
       "password_file must be configured"},
      {"authorization: {type: Basic, credentials: a, credentials_file: b}",
       "c.yml:3:3: scrape_configs[0].authorization: at most one of authorization credentials & "
       "credentials_file must be configured\n"
       "c.yml:3:3: scrape_configs[0].authorization: authorization type cannot be set to "
       "\"basic\", use \"basic_auth\" instead"},
      {"bearer_token: a\n  bearer_token_file: b",
       "c.yml:3:3: scrape_configs[0].bearer_token: at most one of bearer_token & "
       "bearer_token_file must be configured"},
      {"bearer_token: a\n  authorization: {credentials: b}",
       "c.yml:3:3: scrape_configs[0].bearer_token: authorization is not compatible with "
       "bearer_token & bearer_token_file"},
      {"oauth2: {scopes: [a]}",
       "c.yml:3:3: scrape_configs[0].oauth2: oauth2 client_id must be configured\n"
       "c.yml:3:3: scrape_configs[0].oauth2: oauth2 token_url must be configured"},
      {"oauth2: {client_id: a, token_url: b, grant_type: c, client_secret: d, "
       "client_secret_file: e}",
       "c.yml:3:3: scrape_configs[0].oauth2: at most one of oauth2 client_secret & "
       "client_secret_file must be configured\n"
       "c.yml:3:26: scrape_configs[0].oauth2.token_url: must be an absolute URL\n"
       "c.yml:3:40: scrape_configs[0].oauth2.grant_type: must be client_credentials or "
       "urn:ietf:params:oauth:grant-type:jwt-bearer"},
      {"tls_config: {ca: a, ca_file: b, cert_file: c, min_version: TLS99}",
       "c.yml:3:3: scrape_configs[0].tls_config: at most one of ca & ca_file must be configured\n"
       "c.yml:3:3: scrape_configs[0].tls_config: exactly one of key or key_file must be "
       "configured when a client certificate is configured\n"
       "c.yml:3:49: scrape_configs[0].tls_config.min_version: unknown TLS version: TLS99"},
      {"tls_config: {min_version: TLS13, max_version: TLS12}",
       "c.yml:3:36: scrape_configs[0].tls_config.max_version: tls_config.max_version must be "
       "greater than or equal to tls_config.min_version if both are specified"},
      {"no_proxy: a",
       "c.yml:3:3: scrape_configs[0].no_proxy: if no_proxy is configured, proxy_url must also be "
       "configured"},
      {"proxy_from_environment: true\n  proxy_url: http://p",
       "c.yml:3:3: scrape_configs[0].proxy_from_environment: if proxy_from_environment is "
       "configured, proxy_url must not be configured"},
      {"proxy_connect_header: {a: [b]}",
       "c.yml:3:3: scrape_configs[0].proxy_connect_header: if proxy_connect_header is configured, "
       "proxy_url or proxy_from_environment must also be configured"},
      {"http_headers: {authorization: {values: [a]}}",
       "c.yml:3:18: scrape_configs[0].http_headers.authorization: setting header "
       "\"authorization\" is not allowed"},
      {"http_headers: {X-A: {value: [a]}}",
       "c.yml:3:24: scrape_configs[0].http_headers.X-A.value: unknown field"},
  });
}

TEST(bad_config, relabelling) {
  const auto rule = [](std::string_view keys) {
    return errors_of(job("relabel_configs: [{" + std::string(keys) + "}]"));
  };
  const std::string at = "c.yml:3:21: scrape_configs[0].relabel_configs[0]: ";
  EXPECT_EQ(rule("action: keep"), "");
  EXPECT_EQ(rule("action: KEEP"), "");
  EXPECT_EQ(rule("action: kept, target_label: a"),
            "c.yml:3:30: scrape_configs[0].relabel_configs[0].action: unknown value \"kept\", must "
            "be one of replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, "
            "labelkeep, lowercase, uppercase");
  EXPECT_EQ(rule("regex: a"),
            at + "relabel configuration for replace action requires 'target_label' value");
  EXPECT_EQ(rule("action: hashmod, target_label: a"),
            at + "relabel configuration for hashmod requires non-zero modulus");
  EXPECT_TRUE(rule("regex: \"(\", target_label: a")
                  .starts_with("c.yml:3:22: scrape_configs[0].relabel_configs[0].regex: error "
                               "parsing regexp: missing closing )"));
  EXPECT_EQ(rule("action: lowercase, target_label: a, replacement: b"),
            "c.yml:3:58: scrape_configs[0].relabel_configs[0].replacement: 'replacement' can not "
            "be set for lowercase action");
  EXPECT_EQ(rule("action: labeldrop, regex: a, source_labels: [b]"),
            at + "labeldrop action requires only 'regex', and no other fields");
  EXPECT_EQ(rule("action: keepequal, target_label: a, regex: b"),
            at + "keepequal action requires only 'source_labels' and 'target_label', and no other "
                 "fields");
  EXPECT_EQ(rule("source_labels: [\"\"], target_label: a"),
            "c.yml:3:38: scrape_configs[0].relabel_configs[0].source_labels[0]: \"\" is not a "
            "valid label name");
  EXPECT_EQ(rule("modulus: x, target_label: a"),
            "c.yml:3:31: scrape_configs[0].relabel_configs[0].modulus: must be an integer of at "
            "least 0, not \"x\"");
  const auto legacy = [](std::string_view keys) {
    return errors_of(job("metric_name_validation_scheme: legacy\n  relabel_configs: [{" +
                         std::string(keys) + "}]"));
  };
  EXPECT_EQ(legacy("target_label: \"${1}_$name_x\""), "");
  EXPECT_EQ(legacy("target_label: \"a.b\""),
            "c.yml:4:22: scrape_configs[0].relabel_configs[0].target_label: \"a.b\" is invalid "
            "'target_label' for replace action");
  EXPECT_EQ(legacy("target_label: \"${1\""),
            "c.yml:4:22: scrape_configs[0].relabel_configs[0].target_label: \"${1\" is invalid "
            "'target_label' for replace action");
  EXPECT_EQ(legacy("action: labelmap, replacement: \"-\""),
            "c.yml:4:40: scrape_configs[0].relabel_configs[0].replacement: \"-\" is invalid "
            "'replacement' for labelmap action");
}

TEST(bad_config, remote_endpoints) {
  expect_all({
      {"remote_write: [{name: a}]\n", "c.yml:1:16: remote_write[0]: url for remote_write is empty"},
      {"remote_read: [{url: x}]\n", "c.yml:1:16: remote_read[0].url: must be an absolute URL"},
      {"remote_write:\n- {url: \"http://a\", name: n}\n- {url: \"http://b\", name: n}\n",
       "c.yml:3:21: remote_write[1].name: found multiple remote write configs with job name "
       "\"n\""},
      {"remote_write: [{url: \"http://a\", headers: {Authorization: x, Host: y}}]\n",
       "c.yml:1:44: remote_write[0].headers.Authorization: authorization header must be changed "
       "via the basic_auth, authorization, oauth2, sigv4, azuread or google_iam parameter\n"
       "c.yml:1:62: remote_write[0].headers.Host: Host is a reserved header. It must not be "
       "changed"},
      {"remote_write: [{url: \"http://a\", protobuf_message: v3}]\n",
       "c.yml:1:34: remote_write[0].protobuf_message: unknown type for remote write protobuf "
       "message v3, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request"},
      {"remote_write: [{url: \"http://a\", basic_auth: {username: u}, sigv4: {}}]\n",
       "c.yml:1:16: remote_write[0]: at most one of basic_auth, authorization, oauth2, sigv4, "
       "azuread or google_iam must be configured. Currently configured: [basic_auth sigv4]"},
      {"remote_write: [{url: \"http://a\", azuread: {cloud: Mars}}]\n",
       "c.yml:1:34: remote_write[0].azuread: exactly one of managed_identity, workload_identity, "
       "oauth, sdk must be set\n"
       "c.yml:1:44: remote_write[0].azuread.cloud: must be one of AzurePublic, AzureChina, "
       "AzureGovernment"},
      {"remote_read: [{url: \"http://a\", queue_config: {}}]\n",
       "c.yml:1:33: remote_read[0].queue_config: unknown field"},
  });
}

TEST(bad_config, alerting_otlp_and_tracing) {
  expect_all({
      {"alerting: {alertmanagers: [{api_version: v1}]}\n",
       "c.yml:1:29: alerting.alertmanagers[0].api_version: expected Alertmanager api version to be "
       "one of [v2] but got v1"},
      {"alerting: {alertmanagers: [{sigv4: {access_key: a}, basic_auth: {username: u}}]}\n",
       "c.yml:1:29: alerting.alertmanagers[0].sigv4: must provide a AWS SigV4 Access key and "
       "Secret Key if credentials are specified in the SigV4 config\n"
       "c.yml:1:29: alerting.alertmanagers[0].sigv4: at most one of basic_auth, authorization, "
       "oauth2, & sigv4 must be configured"},
      {"alerting: {alert_relabel_configs: [{action: replace}]}\n",
       "c.yml:1:36: alerting.alert_relabel_configs[0]: relabel configuration for replace action "
       "requires 'target_label' value"},
      {"otlp: {translation_strategy: None}\n",
       "c.yml:1:8: otlp.translation_strategy: unsupported OTLP translation strategy \"None\""},
      {"global: {metric_name_validation_scheme: legacy}\n"
       "otlp: {translation_strategy: NoTranslation}\n",
       "c.yml:2:8: otlp.translation_strategy: OTLP translation strategy \"NoTranslation\" is not "
       "allowed when UTF8 is disabled"},
      {"otlp: {promote_resource_attributes: [a, \" \", a]}\n",
       "c.yml:1:41: otlp.promote_resource_attributes[1]: empty promoted OTel resource attribute\n"
       "c.yml:1:46: otlp.promote_resource_attributes[2]: duplicated promoted OTel resource "
       "attribute \"a\""},
      {"otlp: {ignore_resource_attributes: [a]}\n",
       "c.yml:1:8: otlp.ignore_resource_attributes: 'ignore_resource_attributes' cannot be "
       "configured unless 'promote_all_resource_attributes' is true"},
      {"tracing: {insecure: true}\n", "c.yml:1:10: tracing.endpoint: tracing endpoint must be set"},
      {"tracing: {endpoint: a, client_type: udp, compression: lz4}\n",
       "c.yml:1:24: tracing.client_type: expected tracing client type to be to be http or grpc, "
       "but got udp\n"
       "c.yml:1:42: tracing.compression: invalid compression type lz4 provided, valid options: "
       "gzip"},
  });
}

TEST(bad_config, error_lists_are_bounded) {
  std::string text;
  for (int i = 0; i < 5000; ++i)
    text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_EQ(load_text(text).errors.size(), 1001u);
}

}  // namespace
}  // namespace troupe::config
