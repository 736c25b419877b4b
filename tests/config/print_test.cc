#include "config/yaml_printer.h"
#include "tests/config/config_fixture.h"

#include <gtest/gtest.h>

namespace troupe::config {
namespace {

TEST(print, fills_in_defaults) {
  const auto loaded = load_text(
      "scrape_configs:\n"
      "- job_name: node\n"
      "  static_configs: [{targets: [\"a:9100\"]}]\n"
      "  relabel_configs: [{source_labels: [a], target_label: b}]\n");
  ASSERT_NE(loaded.value, nullptr);
  EXPECT_EQ(to_yaml(*loaded.value),
            "global:\n"
            "  scrape_interval: 1m\n"
            "  scrape_timeout: 10s\n"
            "  evaluation_interval: 1m\n"
            "  metric_name_validation_scheme: utf8\n"
            "  scrape_native_histograms: false\n"
            "  extra_scrape_metrics: false\n"
            "runtime:\n"
            "  gogc: 75\n"
            "scrape_configs:\n"
            "- job_name: node\n"
            "  honor_timestamps: true\n"
            "  track_timestamps_staleness: false\n"
            "  scrape_interval: 1m\n"
            "  scrape_timeout: 10s\n"
            "  scrape_protocols:\n"
            "  - OpenMetricsText1.0.0\n"
            "  - OpenMetricsText0.0.1\n"
            "  - PrometheusText1.0.0\n"
            "  - PrometheusText0.0.4\n"
            "  scrape_native_histograms: false\n"
            "  always_scrape_classic_histograms: false\n"
            "  convert_classic_histograms_to_nhcb: false\n"
            "  metrics_path: /metrics\n"
            "  scheme: http\n"
            "  enable_compression: true\n"
            "  metric_name_validation_scheme: utf8\n"
            "  metric_name_escaping_scheme: allow-utf-8\n"
            "  extra_scrape_metrics: false\n"
            "  follow_redirects: true\n"
            "  enable_http2: true\n"
            "  relabel_configs:\n"
            "  - source_labels:\n"
            "    - a\n"
            "    separator: ;\n"
            "    target_label: b\n"
            "    replacement: $1\n"
            "    action: replace\n"
            "  static_configs:\n"
            "  - targets:\n"
            "    - a:9100\n"
            "storage:\n"
            "  exemplars:\n"
            "    max_exemplars: 100000\n"
            "otlp:\n"
            "  translation_strategy: UnderscoreEscapingWithSuffixes\n"
            "  label_name_underscore_sanitization: true\n"
            "  label_name_preserve_multiple_underscores: true\n");
}

// Without secrets, what is printed loads as the same configuration.
TEST(print, loads_again_as_the_same) {
  const auto first = load_text(
      "global: {scrape_interval: 90s, external_labels: {a: \"yes\", b: \"x: y\", c: \"1e3\", d: "
      "\"tab\\tquote\\\"\", e: \"\", f: \"äö\", g: \"- x\", h: \"2024-01-02\"}}\n"
      "scrape_configs:\n"
      "- job_name: \"null\"\n"
      "  params: {\"match[]\": [\"{a=\\\"b\\\"}\", \"\"]}\n"
      "  body_size_limit: 1.5MB\n"
      "  native_histogram_min_bucket_factor: 1.1\n"
      "  relabel_configs: [{regex: \"\", target_label: x, separator: \"\", replacement: \"\"}]\n"
      "  tls_config: {ca: \"line 1\\nline 2\\n\", insecure_skip_verify: true}\n"
      "  http_headers: {X-A: {values: [b, \"#c\"]}}\n"
      "  static_configs: [{targets: []}]\n"
      "  kubernetes_sd_configs: [{role: pod, namespaces: {names: [a]}, selectors: [{role: pod, "
      "label: \"a=b\"}]}]\n"
      "alerting: {alertmanagers: [{static_configs: [{targets: [\"a:1\"]}]}]}\n"
      "remote_write: [{url: \"http://a/w\"}]\n"
      "remote_read: [{url: \"http://a/r\", filter_external_labels: false}]\n"
      "storage: {tsdb: {out_of_order_time_window: 10m, retention: {time: 1d}}}\n"
      "tracing: {endpoint: \"t:1\", sampling_fraction: 0.25}\n");
  ASSERT_NE(first.value, nullptr) << join(first.errors);
  const auto text = to_yaml(*first.value);
  const auto second = load_text(text);
  ASSERT_NE(second.value, nullptr) << join(second.errors) << text;
  EXPECT_EQ(second.value->global, first.value->global);
  EXPECT_EQ(second.value->scrape_configs, first.value->scrape_configs) << text;
  EXPECT_EQ(second.value->alerting, first.value->alerting);
  EXPECT_EQ(second.value->remote_write, first.value->remote_write);
  EXPECT_EQ(second.value->remote_read, first.value->remote_read);
  EXPECT_EQ(second.value->storage, first.value->storage);
  EXPECT_EQ(second.value->tracing, first.value->tracing);
  EXPECT_EQ(to_yaml(*second.value), text);
}

TEST(print, renders_empty_and_nested_values) {
  display_value list;
  list.type = display_value::kind::list;
  display_value map;
  map.type = display_value::kind::map;
  EXPECT_EQ(render_yaml(list), "[]\n");
  EXPECT_EQ(render_yaml(map), "{}\n");
  auto outer = list;
  outer.items.push_back(list);
  outer.items.push_back(map);
  auto inner = list;
  display_value text;
  text.text = "x";
  inner.items.push_back(text);
  outer.items.push_back(inner);
  EXPECT_EQ(render_yaml(outer), "- []\n- {}\n- - x\n");
}

TEST(print, long_keys_load_again) {
  const std::string key(3000, 'k');
  const auto loaded =
      load_text("scrape_configs:\n- job_name: x\n  params: {? " + key + " : [v]}\n");
  ASSERT_NE(loaded.value, nullptr) << join(loaded.errors);
  const auto again = load_text(to_yaml(*loaded.value));
  ASSERT_NE(again.value, nullptr) << join(again.errors);
  EXPECT_EQ(again.value->scrape_configs.at(0).params.at(key).at(0), "v");
}

TEST(print, jobs_of_other_files_stay_there) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("/e").ok());
  fs.put("/e/c.yml", "scrape_config_files: [j.yml]\n");
  fs.put("/e/j.yml", "scrape_configs: [{job_name: elsewhere}]\n");
  const auto loaded = load_config(fs, "/e/c.yml", no_environment());
  ASSERT_NE(loaded.value, nullptr);
  const auto text = to_yaml(*loaded.value);
  EXPECT_EQ(text.find("elsewhere"), std::string::npos);
  EXPECT_NE(text.find("scrape_config_files:\n- /e/j.yml\n"), std::string::npos);
}

}  // namespace
}  // namespace troupe::config
