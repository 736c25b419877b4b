// Keys of global, runtime, storage and scrape jobs.
#include "config/schema.h"

#include <array>

namespace troupe::config {
namespace {

constexpr std::array<std::string_view, 5> protocol_names{
    "PrometheusProto", "OpenMetricsText1.0.0", "OpenMetricsText0.0.1", "PrometheusText1.0.0",
    "PrometheusText0.0.4"};
constexpr std::array<std::string_view, 2> validation_names{"utf8", "legacy"};
constexpr std::array<std::string_view, 4> escaping_names{"allow-utf-8", "underscores", "dots",
                                                         "values"};

void describe_limits(fields& f, scrape_limits& c) {
  f.bytes("body_size_limit", c.body_size);
  f.count("sample_limit", c.samples);
  f.count("target_limit", c.targets);
  f.count("label_limit", c.labels);
  f.count("label_name_length_limit", c.label_name_length);
  f.count("label_value_length_limit", c.label_value_length);
  f.count("keep_dropped_targets", c.keep_dropped_targets);
}

void describe_retention(fields& f, storage_config& c) {
  int64_t time = c.retention_time_ms.value_or(0);
  uint64_t size = c.retention_size.value_or(0);
  f.duration("time", time);
  f.bytes("size", size);
  if (!f.reading())
    return;
  if (f.has("time"))
    c.retention_time_ms = time;
  if (f.has("size"))
    c.retention_size = size;
}

void describe_tsdb(fields& f, storage_config& c) {
  int64_t window = c.out_of_order_time_window_ms.value_or(0);
  f.duration("out_of_order_time_window", window);
  if (f.reading() && f.has("out_of_order_time_window"))
    c.out_of_order_time_window_ms = window;
  f.object("retention", c, describe_retention);
}

void describe_exemplars(fields& f, storage_config& c) {
  f.integer("max_exemplars", c.max_exemplars, when::always);
}

}  // namespace

std::span<const std::string_view> scrape_protocol_names() {
  return protocol_names;
}

std::string_view to_string(scrape_protocol p) {
  return protocol_names[static_cast<size_t>(p)];
}

std::string_view to_string(name_escaping e) {
  return escaping_names[static_cast<size_t>(e)];
}

void describe(fields& f, global_config& c) {
  f.duration("scrape_interval", c.scrape_interval_ms);
  f.duration("scrape_timeout", c.scrape_timeout_ms);
  f.choices("scrape_protocols", c.scrape_protocols, protocol_names);
  f.duration("evaluation_interval", c.evaluation_interval_ms);
  f.duration("rule_query_offset", c.rule_query_offset_ms);
  f.path("query_log_file", c.query_log_file);
  f.path("scrape_failure_log_file", c.scrape_failure_log_file);
  f.text_map("external_labels", c.external_labels, shown::yes);
  describe_limits(f, c.limits);
  f.choice("metric_name_validation_scheme", c.validation, validation_names);
  f.choice("metric_name_escaping_scheme", c.escaping, escaping_names);
  f.flag("scrape_native_histograms", c.scrape_native_histograms, when::always);
  f.flag("convert_classic_histograms_to_nhcb", c.convert_classic_histograms_to_nhcb);
  f.flag("always_scrape_classic_histograms", c.always_scrape_classic_histograms);
  f.flag("extra_scrape_metrics", c.extra_scrape_metrics, when::always);
}

void describe(fields& f, runtime_config& c) {
  f.integer("gogc", c.gogc);
}

void describe(fields& f, storage_config& c) {
  f.object("tsdb", c, describe_tsdb);
  f.object("exemplars", c, describe_exemplars);
}

void describe(fields& f, job_draft& d) {
  auto& c = d.job;
  f.text("job_name", c.job_name, shown::yes, when::always);
  f.flag("honor_labels", c.honor_labels);
  f.flag("honor_timestamps", c.honor_timestamps, when::always);
  f.flag("track_timestamps_staleness", c.track_timestamps_staleness, when::always);
  f.texts_map("params", c.params, shown::yes);
  f.duration("scrape_interval", c.scrape_interval_ms);
  f.duration("scrape_timeout", c.scrape_timeout_ms);
  f.choices("scrape_protocols", c.scrape_protocols, protocol_names);
  f.choice("fallback_scrape_protocol", c.fallback_scrape_protocol, protocol_names);
  f.flag("scrape_native_histograms", c.scrape_native_histograms, when::always);
  f.flag("always_scrape_classic_histograms", c.always_scrape_classic_histograms, when::always);
  f.flag("convert_classic_histograms_to_nhcb", c.convert_classic_histograms_to_nhcb, when::always);
  f.path("scrape_failure_log_file", c.scrape_failure_log_file);
  f.text("metrics_path", c.metrics_path, shown::yes);
  f.text("scheme", c.scheme, shown::yes);
  f.flag("enable_compression", c.enable_compression, when::always);
  describe_limits(f, c.limits);
  f.count("native_histogram_bucket_limit", c.native_histogram_bucket_limit);
  f.number("native_histogram_min_bucket_factor", c.native_histogram_min_bucket_factor);
  f.choice("metric_name_validation_scheme", d.validation, validation_names);
  f.choice("metric_name_escaping_scheme", d.escaping, escaping_names);
  f.flag("extra_scrape_metrics", c.extra_scrape_metrics, when::always);
  describe(f, c.client);
  f.list("relabel_configs", c.relabel_configs, describe);
  f.list("metric_relabel_configs", c.metric_relabel_configs, describe);
  describe(f, c.discovery);
}

}  // namespace troupe::config
