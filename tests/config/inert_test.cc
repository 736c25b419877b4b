#include "config/inert.h"

#include "config/flag_table.h"
#include "tests/config/config_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::config {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> names_in(std::string_view text) {
  const auto loaded = load_text(text);
  EXPECT_NE(loaded.value, nullptr) << join(loaded.errors);
  std::vector<std::string> out;
  if (loaded.value)
    for (const auto& u : loaded.value->inert_uses)
      out.push_back(u.name);
  return out;
}

// Whoever makes one of these act removes it here.
TEST(inert, keys_are_a_pinned_list) {
  const auto keys = inert_keys();
  EXPECT_THAT(
      std::vector<std::string_view>(keys.begin(), keys.end()),
      ElementsAre(
          "aws_sd_configs", "azure_sd_configs", "consul_sd_configs", "digitalocean_sd_configs",
          "dns_sd_configs", "docker_sd_configs", "dockerswarm_sd_configs", "ec2_sd_configs",
          "ecs_sd_configs", "elasticache_sd_configs", "enable_http2", "eureka_sd_configs",
          "gce_sd_configs", "gogc", "hetzner_sd_configs", "http_server_config.http2",
          "ionos_sd_configs", "jwt-bearer", "kubernetes_sd_configs", "kuma_sd_configs",
          "lightsail_sd_configs", "linode_sd_configs", "marathon_sd_configs", "msk_sd_configs",
          "nerve_sd_configs", "nomad_sd_configs", "oci_sd_configs", "openstack_sd_configs",
          "outscale_sd_configs", "ovhcloud_sd_configs", "puppetdb_sd_configs", "rds_sd_configs",
          "scaleway_sd_configs", "serverset_sd_configs", "stackit_sd_configs", "tracing",
          "triton_sd_configs", "uyuni_sd_configs", "vultr_sd_configs"));
}

TEST(inert, flags_are_a_pinned_list) {
  EXPECT_THAT(
      inert_flags(),
      ElementsAre("agent", "auto-gomaxprocs", "auto-gomemlimit", "auto-gomemlimit.ratio",
                  "scrape.adjust-timestamps", "scrape.discovery-reload-interval",
                  "scrape.name-escaping-scheme", "scrape.timestamp-tolerance",
                  "storage.agent.no-lockfile", "storage.agent.path",
                  "storage.agent.retention.max-time", "storage.agent.retention.min-time",
                  "storage.agent.wal-compression", "storage.agent.wal-compression-type",
                  "storage.agent.wal-segment-size", "storage.agent.wal-truncate-frequency",
                  "storage.remote.flush-deadline", "storage.tsdb.allow-overlapping-compaction",
                  "storage.tsdb.delay-compact-file.path",
                  "storage.tsdb.delayed-compaction.max-percent",
                  "storage.tsdb.head-chunks-write-queue-size",
                  "storage.tsdb.max-block-chunk-segment-size", "storage.tsdb.samples-per-chunk",
                  "storage.tsdb.wal-compression-type", "web.console.libraries",
                  "web.console.templates", "web.max-notifications-subscribers", "web.user-assets"));
  EXPECT_THAT(
      inert_features(),
      ElementsAre("agent", "auto-gomaxprocs", "auto-gomemlimit", "delayed-compaction",
                  "histograms-st-encoding", "memory-snapshot-on-shutdown", "old-ui",
                  "otlp-write-receiver", "promql-binop-fill-modifiers", "remote-write-receiver",
                  "st-storage", "type-and-unit-labels", "use-start-timestamps", "use-uncached-io"));
}

TEST(inert, finds_every_use_with_its_place) {
  const auto loaded = load_text(
      "global: {scrape_native_histograms: true}  # acts\n"
      "runtime: {gogc: 50}\n"
      "otlp: {promote_resource_attributes: [a]}\n"
      "scrape_configs:\n"
      "- job_name: a\n"
      "  enable_http2: true\n"
      "  scrape_protocols: [PrometheusText0.0.4, PrometheusProto]\n"
      "  kubernetes_sd_configs: [{role: pod}]\n"
      "- job_name: b\n"
      "  kubernetes_sd_configs: [{role: node}]\n"
      "  http_sd_configs: [{url: \"http://a\", enable_http2: true}]\n"
      "alerting: {alertmanagers: []}\n"
      "remote_write: [{url: \"http://a\", enable_http2: true}]\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  std::vector<std::string> uses;
  for (const auto& u : loaded.value->inert_uses)
    uses.push_back(u.name + " " + u.where);
  EXPECT_THAT(
      uses,
      ElementsAre("gogc c.yml:2:11: runtime.gogc",
                  "enable_http2 c.yml:6:3: scrape_configs[0].enable_http2",
                  "kubernetes_sd_configs c.yml:8:3: scrape_configs[0].kubernetes_sd_configs",
                  "kubernetes_sd_configs c.yml:10:3: scrape_configs[1].kubernetes_sd_configs",
                  "enable_http2 c.yml:11:39: scrape_configs[1].http_sd_configs[0].enable_http2",
                  "enable_http2 c.yml:13:34: remote_write[0].enable_http2"));
  // One warning a name, with the first place.
  EXPECT_THAT(loaded.warnings,
              ElementsAre("gogc is read and checked but has no effect yet (c.yml:2:11: "
                          "runtime.gogc)",
                          "enable_http2 is read and checked but has no effect yet (c.yml:6:3: "
                          "scrape_configs[0].enable_http2)",
                          "kubernetes_sd_configs is read and checked but has no effect yet "
                          "(c.yml:8:3: scrape_configs[0].kubernetes_sd_configs)"));
}

TEST(inert, the_jwt_grant_of_oauth2) {
  const std::string job =
      "scrape_configs:\n"
      "- job_name: a\n"
      "  oauth2: {client_id: c, client_secret: s, token_url: \"http://a\"";
  EXPECT_THAT(names_in(job + "}\n"), ElementsAre());
  EXPECT_THAT(names_in(job + ", grant_type: client_credentials}\n"), ElementsAre());
  EXPECT_THAT(names_in(job + ", client_certificate_key: k, "
                             "grant_type: \"urn:ietf:params:oauth:grant-type:jwt-bearer\"}\n"),
              ElementsAre("jwt-bearer"));
}

TEST(inert, what_is_off_or_empty_is_no_use) {
  EXPECT_THAT(names_in("otlp: {}\nremote_write:\nalerting: {}\n"
                       "scrape_configs:\n"
                       "- {job_name: a, enable_http2: false}\n"),
              ElementsAre());
}

TEST(inert, labels_and_params_are_not_keys) {
  EXPECT_THAT(names_in("global: {external_labels: {gogc: x}}\n"
                       "scrape_configs:\n"
                       "- job_name: a\n"
                       "  params: {gogc: [x]}\n"
                       "  static_configs: [{labels: {enable_http2: \"true\"}}]\n"),
              ElementsAre());
}

}  // namespace
}  // namespace troupe::config
