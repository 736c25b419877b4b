#include "config/sd_kinds.h"
#include "tests/config/config_fixture.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

std::string errors_of_sd(std::string_view text) {
  return errors_of("scrape_configs:\n- job_name: x\n  " + std::string(text) + "\n");
}

std::shared_ptr<const config> with_sd(std::string_view text) {
  auto loaded = load_text("scrape_configs:\n- job_name: x\n  " + std::string(text) + "\n");
  EXPECT_NE(loaded.value, nullptr) << text << "\n" << join(loaded.errors);
  return loaded.value;
}

TEST(sd, static_file_and_http_are_structs) {
  const auto c = with_sd(
      "static_configs: [{targets: [\"a:1\"], labels: {z: east}}]\n"
      "  file_sd_configs: [{files: [t/*.json], refresh_interval: 30s}]\n"
      "  http_sd_configs: [{url: \"http://u:p@h/t\", basic_auth: {username: u}}]");
  ASSERT_NE(c, nullptr);
  const auto& d = c->scrape_configs.at(0).discovery;
  EXPECT_EQ(d.static_groups.at(0), (target_group{{"a:1"}, {{"z", "east"}}}));
  EXPECT_EQ(d.file.at(0), (file_sd_config{{"t/*.json"}, 30'000}));
  EXPECT_EQ(d.http.at(0).url, "http://u:p@h/t");
  EXPECT_EQ(d.http.at(0).refresh_interval_ms, 60'000);
  EXPECT_EQ(d.http.at(0).client.basic_auth->username, "u");
  EXPECT_TRUE(d.inert.empty());
}

// The smallest valid block of every mechanism that does not act.
const std::map<std::string_view, std::string_view>& smallest() {
  static const std::map<std::string_view, std::string_view> blocks{
      {"aws", "{role: ec2}"},
      {"azure", "{subscription_id: a}"},
      {"consul", "{}"},
      {"digitalocean", "{}"},
      {"dns", "{names: [a]}"},
      {"docker", "{host: \"unix:///run/docker.sock\"}"},
      {"dockerswarm", "{host: a, role: tasks}"},
      {"ec2", "{}"},
      {"ecs", "{}"},
      {"elasticache", "{}"},
      {"eureka", "{server: \"http://a\"}"},
      {"gce", "{project: a, zone: b}"},
      {"hetzner", "{role: robot}"},
      {"ionos", "{datacenter_id: a}"},
      {"kubernetes", "{role: pod}"},
      {"kuma", "{server: \"http://a\"}"},
      {"lightsail", "{}"},
      {"linode", "{}"},
      {"marathon", "{servers: [a]}"},
      {"msk", "{}"},
      {"nerve", "{servers: [a], paths: [b]}"},
      {"nomad", "{}"},
      {"oci", "{region: a}"},
      {"openstack", "{role: instance, region: a}"},
      {"outscale", "{access_key: a, secret_key: b}"},
      {"ovhcloud", "{application_key: a, application_secret: b, consumer_key: c, service: vps}"},
      {"puppetdb", "{url: \"http://a\", query: b}"},
      {"rds", "{}"},
      {"scaleway", "{access_key: a, secret_key: b, project_id: c, role: instance}"},
      {"serverset", "{servers: [a], paths: [b]}"},
      {"stackit", "{project: a}"},
      {"triton", "{account: a, dns_suffix: b, endpoint: c}"},
      {"uyuni", "{server: \"http://a\", username: b, password: c}"},
      {"vultr", "{}"}};
  return blocks;
}

TEST(sd, every_mechanism_is_read_with_its_defaults) {
  EXPECT_EQ(smallest().size(), inert_sd_kinds().size());
  for (const auto& kind : inert_sd_kinds()) {
    ASSERT_TRUE(smallest().contains(kind.name)) << kind.name;
    const auto c = with_sd(std::string(kind.name) + "_sd_configs: [" +
                           std::string(smallest().at(kind.name)) + "]");
    ASSERT_NE(c, nullptr);
    const auto& inert = c->scrape_configs.at(0).discovery.inert;
    ASSERT_EQ(inert.size(), 1u) << kind.name;
    EXPECT_EQ(inert[0].kind, kind.name);
    for (const auto& key : kind.keys)
      if (!key.initial.empty()) {
        EXPECT_TRUE(std::any_of(inert[0].fields.begin(), inert[0].fields.end(),
                                [&](const auto& f) { return f.first == key.name; }))
            << kind.name << "." << key.name;
      }
  }
}

TEST(sd, every_mechanism_refuses_unknown_keys) {
  for (const auto& kind : inert_sd_kinds()) {
    auto block = std::string(smallest().at(kind.name));
    block.insert(block.size() - 1, block == "{}" ? "what: 1" : ", what: 1");
    const auto errors = errors_of_sd(std::string(kind.name) + "_sd_configs: [" + block + "]");
    EXPECT_NE(errors.find("scrape_configs[0]." + std::string(kind.name) +
                          "_sd_configs[0].what: unknown field"),
              std::string::npos)
        << kind.name << ": " << errors;
    EXPECT_EQ(errors.find('\n'), std::string::npos) << errors;
  }
}

TEST(sd, every_mechanism_needs_its_required_keys) {
  for (const auto& kind : inert_sd_kinds()) {
    std::string errors = errors_of_sd(std::string(kind.name) + "_sd_configs: [{}]");
    for (const auto& key : kind.keys) {
      const auto expected = "_sd_configs[0]." + std::string(key.name) + ": must be set";
      EXPECT_EQ(errors.find(expected) != std::string::npos, key.required)
          << kind.name << "." << key.name << "\n"
          << errors;
    }
  }
}

TEST(sd, only_http_mechanisms_take_client_keys) {
  for (const auto& kind : inert_sd_kinds()) {
    auto block = std::string(smallest().at(kind.name));
    block.insert(block.size() - 1, block == "{}" ? "enable_http2: false" : ", enable_http2: false");
    const auto errors = errors_of_sd(std::string(kind.name) + "_sd_configs: [" + block + "]");
    EXPECT_EQ(errors.empty(), kind.http) << kind.name << ": " << errors;
  }
}

TEST(sd, checks_types_and_choices) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"kubernetes_sd_configs: [{role: pods}]",
       "c.yml:3:28: scrape_configs[0].kubernetes_sd_configs[0].role: unknown value \"pods\", must "
       "be one of node, pod, service, endpoints, endpointslice, ingress"},
      {"kubernetes_sd_configs: [{role: pod, namespaces: {name: [a]}}]",
       "c.yml:3:52: scrape_configs[0].kubernetes_sd_configs[0].namespaces.name: unknown field"},
      {"kubernetes_sd_configs: [{role: pod, selectors: [{role: pod, labels: a}]}]",
       "c.yml:3:63: scrape_configs[0].kubernetes_sd_configs[0].selectors[0].labels: unknown "
       "field"},
      {"kubernetes_sd_configs: [{role: pod, attach_metadata: {node: maybe}}]",
       "c.yml:3:63: scrape_configs[0].kubernetes_sd_configs[0].attach_metadata.node: must be true "
       "or false, not \"maybe\""},
      {"consul_sd_configs: [{services: a}]",
       "c.yml:3:34: scrape_configs[0].consul_sd_configs[0].services: must be a list, not a single "
       "value"},
      {"consul_sd_configs: [{refresh_interval: x}]",
       "c.yml:3:42: scrape_configs[0].consul_sd_configs[0].refresh_interval: not a valid duration "
       "string: \"x\""},
      {"dns_sd_configs: [{names: [a], port: x}]",
       "c.yml:3:39: scrape_configs[0].dns_sd_configs[0].port: must be an integer, not \"x\""},
      {"ec2_sd_configs: [{filters: [{name: a, value: b}]}]",
       "c.yml:3:41: scrape_configs[0].ec2_sd_configs[0].filters[0].value: unknown field"},
      {"consul_sd_configs: [{}, {basic_auth: {username: u}, authorization: {credentials: c}}]",
       "c.yml:3:55: scrape_configs[0].consul_sd_configs[1].authorization: at most one of "
       "basic_auth, oauth2 & authorization must be configured"},
      {"triton_sd_configs: [{account: a, dns_suffix: b, endpoint: c, tls_config: {ca: 1, caa: "
       "2}}]",
       "c.yml:3:84: scrape_configs[0].triton_sd_configs[0].tls_config.caa: unknown field"}};
  for (const auto& [yaml, errors] : cases)
    EXPECT_EQ(errors_of_sd(yaml), errors) << yaml;
}

TEST(sd, alertmanagers_are_discovered_alike) {
  const auto loaded = load_text(
      "alerting: {alertmanagers: [{dns_sd_configs: [{names: [am]}], static_configs: [{targets: "
      "[a]}]}]}\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  const auto& d = loaded.value->alerting.alertmanagers.at(0).discovery;
  EXPECT_EQ(d.inert.at(0).kind, "dns");
  EXPECT_EQ(d.static_groups.size(), 1u);
}

}  // namespace
}  // namespace troupe::config
