#include "config/load.h"

#include "tests/config/config_fixture.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

std::shared_ptr<const config> must_load(std::string_view text) {
  auto loaded = load_text(text);
  EXPECT_NE(loaded.value, nullptr) << join(loaded.errors);
  return loaded.value ? loaded.value : std::make_shared<const config>();
}

TEST(load, an_empty_file_is_all_defaults) {
  for (const auto text : {"", "# nothing\n", "global:\n", "global: {}\n"}) {
    const auto c = must_load(text);
    EXPECT_EQ(c->global, global_config{}) << text;
    EXPECT_EQ(c->global.scrape_interval_ms, 60'000);
    EXPECT_EQ(c->global.scrape_timeout_ms, 10'000);
    EXPECT_TRUE(c->scrape_configs.empty());
    EXPECT_EQ(c->storage.max_exemplars, 100'000);
    EXPECT_FALSE(c->storage.out_of_order_time_window_ms);
  }
}

TEST(load, a_job_takes_prometheus_defaults) {
  const auto c = must_load("scrape_configs:\n- job_name: x\n");
  ASSERT_EQ(c->scrape_configs.size(), 1u);
  const auto& j = c->scrape_configs[0];
  EXPECT_EQ(j.job_name, "x");
  EXPECT_EQ(j.scrape_interval_ms, 60'000);
  EXPECT_EQ(j.scrape_timeout_ms, 10'000);
  EXPECT_EQ(j.metrics_path, "/metrics");
  EXPECT_EQ(j.scheme, "http");
  EXPECT_FALSE(j.honor_labels);
  EXPECT_TRUE(j.honor_timestamps);
  EXPECT_FALSE(j.track_timestamps_staleness);
  EXPECT_TRUE(j.enable_compression);
  EXPECT_TRUE(j.client.follow_redirects);
  EXPECT_TRUE(j.client.enable_http2);
  EXPECT_EQ(j.limits, scrape_limits{});
  EXPECT_EQ(j.validation, name_validation::utf8);
  EXPECT_EQ(j.escaping, name_escaping::allow_utf8);
  using p = scrape_protocol;
  EXPECT_EQ(j.scrape_protocols, (std::vector<p>{p::openmetrics_text_1_0, p::openmetrics_text_0_1,
                                                p::prometheus_text_1_0, p::prometheus_text_0_4}));
  EXPECT_FALSE(j.fallback_scrape_protocol);
}

TEST(load, a_job_follows_global) {
  const auto c = must_load(
      "global:\n"
      "  scrape_interval: 15s\n"
      "  sample_limit: 7\n"
      "  body_size_limit: 1MB\n"
      "  metric_name_validation_scheme: legacy\n"
      "  scrape_protocols: [PrometheusText0.0.4]\n"
      "  extra_scrape_metrics: true\n"
      "  keep_dropped_targets: 3\n"
      "scrape_configs:\n"
      "- job_name: a\n"
      "- job_name: b\n"
      "  scrape_interval: 5s\n"
      "  sample_limit: 9\n"
      "  metric_name_validation_scheme: utf8\n"
      "  extra_scrape_metrics: false\n");
  const auto& a = c->scrape_configs.at(0);
  EXPECT_EQ(a.scrape_interval_ms, 15'000);
  EXPECT_EQ(a.scrape_timeout_ms, 10'000);
  EXPECT_EQ(a.limits.samples, 7u);
  EXPECT_EQ(a.limits.body_size, 1u << 20);
  EXPECT_EQ(a.limits.keep_dropped_targets, 3u);
  EXPECT_EQ(a.validation, name_validation::legacy);
  EXPECT_EQ(a.escaping, name_escaping::underscores);
  EXPECT_EQ(a.scrape_protocols.size(), 1u);
  EXPECT_TRUE(a.extra_scrape_metrics);
  const auto& b = c->scrape_configs.at(1);
  // The timeout left open is cut down to the interval.
  EXPECT_EQ(b.scrape_timeout_ms, 5'000);
  EXPECT_EQ(b.limits.samples, 9u);
  EXPECT_EQ(b.validation, name_validation::utf8);
  EXPECT_EQ(b.escaping, name_escaping::allow_utf8);
  EXPECT_FALSE(b.extra_scrape_metrics);
}

TEST(load, a_short_global_interval_cuts_the_timeout) {
  EXPECT_EQ(must_load("global: {scrape_interval: 3s}\n")->global.scrape_timeout_ms, 3'000);
}

TEST(load, native_histograms_ask_for_protobuf_first) {
  const auto c = must_load("scrape_configs: [{job_name: x, scrape_native_histograms: true}]\n");
  EXPECT_EQ(c->scrape_configs.at(0).scrape_protocols.front(), scrape_protocol::prometheus_proto);
}

TEST(load, null_values_are_as_absent) {
  const auto c = must_load(
      "scrape_configs:\n- job_name: x\n  scheme:\n  basic_auth:\n  tls_config: ~\n"
      "  relabel_configs:\n");
  EXPECT_EQ(c->scrape_configs.at(0).scheme, "http");
  EXPECT_FALSE(c->scrape_configs.at(0).client.basic_auth);
}

TEST(load, strings_may_look_like_anything) {
  const auto c = must_load(
      "global: {external_labels: {a: 1, b: true, c: 1.50}}\n"
      "scrape_configs: [{job_name: 12}]\n");
  EXPECT_EQ(c->global.external_labels.at("a"), "1");
  EXPECT_EQ(c->global.external_labels.at("b"), "true");
  EXPECT_EQ(c->global.external_labels.at("c"), "1.50");
  EXPECT_EQ(c->scrape_configs.at(0).job_name, "12");
}

TEST(load, bearer_tokens_become_authorization) {
  const auto c = must_load(
      "scrape_configs:\n"
      "- {job_name: a, bearer_token: t}\n"
      "- {job_name: b, bearer_token_file: f}\n");
  EXPECT_EQ(c->scrape_configs.at(0).client.authorization,
            (authorization_config{"Bearer", secret("t"), ""}));
  EXPECT_EQ(c->scrape_configs.at(1).client.authorization,
            (authorization_config{"Bearer", secret(), "f"}));
}

TEST(load, paths_are_relative_to_the_file) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/etc/p").ok());
  fs.put("/etc/p/c.yml",
         "global: {query_log_file: q.log}\n"
         "scrape_configs:\n"
         "- job_name: x\n"
         "  tls_config: {ca_file: ../ca.crt}\n"
         "  basic_auth: {password_file: /abs/pw}\n"
         "  http_headers: {X-A: {files: [h]}}\n"
         "  file_sd_configs: [{files: [t/*.json]}]\n");
  const auto loaded = load_config(fs, "/etc/p/c.yml", no_environment());
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  const auto& j = loaded.value->scrape_configs.at(0);
  EXPECT_EQ(loaded.value->global.query_log_file, "/etc/p/q.log");
  EXPECT_EQ(j.client.tls.ca_file, "/etc/ca.crt");
  EXPECT_EQ(j.client.basic_auth->password_file, "/abs/pw");
  EXPECT_EQ(j.client.http_headers.at("X-A").files.at(0), "/etc/p/h");
  EXPECT_EQ(j.discovery.file.at(0).files.at(0), "/etc/p/t/*.json");
}

TEST(load, expands_variables_in_external_labels) {
  support::sim_file_system fs(1);
  load_options o;
  o.environment = [](const std::string& n) { return n == "REPLICA" ? "a" : ""; };
  const auto loaded =
      parse_config("global: {external_labels: {r: \"x-${REPLICA}\", e: $NONE}}\n", "c.yml", fs, o);
  ASSERT_NE(loaded.value, nullptr);
  EXPECT_EQ(loaded.value->global.external_labels.at("r"), "x-a");
  EXPECT_EQ(loaded.value->global.external_labels.at("e"), "");
  EXPECT_EQ(loaded.warnings,
            (std::vector<std::string>{"empty environment variable NONE in external_labels"}));
}

TEST(load, reads_jobs_from_other_files) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/e/jobs").ok());
  fs.put("/e/c.yml",
         "global: {scrape_interval: 20s}\n"
         "scrape_config_files: [jobs/*.yml]\n"
         "scrape_configs: [{job_name: main}]\n");
  fs.put("/e/jobs/a.yml",
         "scrape_configs: [{job_name: a, file_sd_configs: [{files: [x.json]}]}]\n");
  fs.put("/e/jobs/b.yml", "scrape_configs: [{job_name: b}]\n");
  const auto loaded = load_config(fs, "/e/c.yml", no_environment());
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  ASSERT_EQ(loaded.value->scrape_configs.size(), 3u);
  const auto& a = loaded.value->scrape_configs[1];
  EXPECT_EQ(a.job_name, "a");
  EXPECT_EQ(a.source_file, "/e/jobs/a.yml");
  EXPECT_EQ(a.scrape_interval_ms, 20'000);
  EXPECT_EQ(a.discovery.file.at(0).files.at(0), "/e/jobs/x.json");
}

TEST(load, reports_errors_of_all_files) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/e/r").ok());
  fs.put("/e/c.yml",
         "scrape_config_files: [a.yml]\n"
         "rule_files: [r/*.yml]\n"
         "scrape_configs: [{job_name: main}]\n");
  fs.put("/e/a.yml", "scrape_configs:\n- job_name: main\n- job_name: x\n  what: 1\nglobal: {}\n");
  fs.put("/e/r/r.yml", "groups:\n- name: g\n  rules:\n  - record: a\n");
  const auto loaded = load_config(fs, "/e/c.yml", no_environment());
  EXPECT_EQ(loaded.value, nullptr);
  EXPECT_EQ(join(loaded.errors),
            "/e/a.yml:2:3: scrape_configs[0].job_name: found multiple scrape configs with job name "
            "\"main\", first found in the main file\n"
            "/e/a.yml:4:3: scrape_configs[1].what: unknown field\n"
            "/e/a.yml:5:1: global: unknown field\n"
            "/e/r/r.yml:4:5: groups[0].rules[0]: field 'expr' must be set in rule");
}

TEST(load, a_missing_file_is_an_error) {
  support::sim_file_system fs(1);
  const auto loaded = load_config(fs, "/no/c.yml", no_environment());
  EXPECT_EQ(loaded.value, nullptr);
  ASSERT_EQ(loaded.errors.size(), 1u);
  EXPECT_EQ(loaded.errors[0].file, "/no/c.yml");
}

TEST(load, storage_settings) {
  const auto c = must_load(
      "storage:\n"
      "  tsdb: {out_of_order_time_window: 30m, retention: {time: 3d, size: 1GB}}\n"
      "  exemplars: {max_exemplars: -1}\n");
  EXPECT_EQ(c->storage.out_of_order_time_window_ms, 30 * 60'000);
  EXPECT_EQ(c->storage.retention_time_ms, 3 * 86'400'000LL);
  EXPECT_EQ(c->storage.retention_size, 1ULL << 30);
  EXPECT_EQ(c->storage.max_exemplars, -1);
  // An explicit zero is a setting, too.
  EXPECT_EQ(must_load("storage: {tsdb: {out_of_order_time_window: 0s}}\n")
                ->storage.out_of_order_time_window_ms,
            0);
}

TEST(load, remote_write_has_defaults_of_its_own) {
  const auto c = must_load("remote_write: [{url: \"http://a/w\"}]\n");
  EXPECT_FALSE(c->remote_write.at(0).client.enable_http2);
  EXPECT_EQ(c->remote_write.at(0).queue, queue_config{});
  EXPECT_TRUE(must_load("remote_write: [{url: \"http://a/w\", enable_http2: true}]\n")
                  ->remote_write.at(0)
                  .client.enable_http2);
}

TEST(load, the_embedded_configuration_follows_the_listener) {
  const std::tuple<std::string, std::string, std::string, std::string> cases[] = {
      {"0.0.0.0:9090", "/", "localhost:9090", "/metrics"},
      {":1234", "/", "localhost:1234", "/metrics"},
      {"[::]:1234", "/p", "localhost:1234", "/p/metrics"},
      {"127.0.0.2:80", "/", "127.0.0.2:80", "/metrics"}};
  for (const auto& [listen, prefix, target, path] : cases) {
    const auto c = must_load(embedded_config(listen, prefix));
    ASSERT_EQ(c->scrape_configs.size(), 1u);
    EXPECT_EQ(c->scrape_configs[0].discovery.static_groups.at(0).targets.at(0), target);
    EXPECT_EQ(c->scrape_configs[0].metrics_path, path);
  }
}

TEST(load, target_groups_from_yaml_and_json) {
  for (const std::string text : {"- targets: [\"a:1\", b]\n  labels: {x: y}\n",
                                 "[{\"targets\": [\"a:1\", \"b\"], \"labels\": {\"x\": \"y\"}}]"}) {
    const auto r = parse_target_groups(text, "t.json");
    ASSERT_TRUE(r.ok()) << r.error().message();
    EXPECT_EQ(*r, (std::vector<target_group>{{{"a:1", "b"}, {{"x", "y"}}}}));
  }
  EXPECT_TRUE(parse_target_groups("", "t")->empty());
  EXPECT_TRUE(parse_target_groups("[]", "t")->empty());
  EXPECT_EQ(
      parse_target_groups("- targets: [a]\n  label: {}\n- x\n", "t.yml").error().message(),
      "t.yml:2:3: [0].label: unknown field\nt.yml:3:3: [1]: must be a mapping, not a single value");
  EXPECT_EQ(parse_target_groups("a: 1\n", "t.yml").error().message(),
            "t.yml:1:1: must be a list, not a mapping");
}

TEST(load, http_client_config_on_its_own) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/e").ok());
  fs.put("/e/h.yml", "basic_auth: {username: u, password_file: p}\n");
  const auto r = load_http_client_config(fs, "/e/h.yml");
  ASSERT_TRUE(r.ok()) << r.error().message();
  EXPECT_EQ(r->basic_auth->password_file, "/e/p");
  fs.put("/e/h.yml", "basic_auth: {username: u}\nauthorization: {credentials: c}\n");
  EXPECT_EQ(load_http_client_config(fs, "/e/h.yml").error().message(),
            "/e/h.yml:2:1: authorization: at most one of basic_auth, oauth2 & authorization must "
            "be configured");
}

}  // namespace
}  // namespace troupe::config
