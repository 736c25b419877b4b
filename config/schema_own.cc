// Keys of troupe's own blocks.
#include "config/schema.h"

#include <array>

namespace troupe::config {
namespace {

constexpr std::array<std::string_view, 9> blocks{
    "federation", "stream_aggregation", "series_budgets", "kafka", "publish", "consume", "region",
    "regions",    "global_view"};
/// By record_format.
constexpr std::array<std::string_view, 3> format_names{"frames", "remote_write", "remote_write_2"};

void describe(fields& f, kafka_sasl_config& c) {
  f.text("mechanism", c.mechanism, shown::yes);
  f.text("username", c.username, shown::yes);
  f.secret_text("password", c.password);
  f.path("password_file", c.password_file);
}

}  // namespace

std::span<const std::string_view> own_block_names() {
  return blocks;
}

void describe(fields& f, federation_config& c) {
  f.text("name", c.name, shown::yes);
  f.url("url", c.url);
  f.texts("match", c.match, shown::yes);
  f.text_map("labels", c.labels, shown::yes);
  f.bytes("keep", c.keep_bytes, when::always);
  describe(f, c.client);
}

void describe(fields& f, aggregation_config& c) {
  f.text("name", c.name, shown::yes);
  f.texts("match", c.match, shown::yes);
  f.duration("interval", c.interval_ms);
  f.texts("by", c.by, shown::yes);
  f.texts("without", c.without, shown::yes);
  f.texts("outputs", c.outputs, shown::yes);
  f.flag("keep_input", c.keep_input, when::always);
  f.flag("keep_metric_names", c.keep_metric_names);
  f.duration("dedup_interval", c.dedup_interval_ms);
  f.duration("staleness_interval", c.staleness_interval_ms);
  f.duration("ignore_first_sample_interval", c.ignore_first_sample_interval_ms);
  f.duration("max_wait", c.max_wait_ms, when::always);
}

void describe(fields& f, series_budget_config& c) {
  f.text("name", c.name, shown::yes);
  f.text("match", c.match, shown::yes);
  f.texts("by", c.by, shown::yes);
  f.count("limit", c.limit, when::always);
}

void describe(fields& f, kafka_config& c) {
  f.text("name", c.name, shown::yes);
  f.texts("brokers", c.brokers, shown::yes);
  f.flag("tls", c.tls);
  f.object("tls_config", c.tls_settings, describe);
  f.object("sasl", c.sasl, describe);
  f.text_map("settings", c.settings, shown::yes);
}

void describe(fields& f, publish_config& c) {
  f.text("name", c.name, shown::yes);
  f.text("kafka", c.kafka, shown::yes);
  f.text("topic", c.topic, shown::yes);
  f.texts("match", c.match, shown::yes);
  f.text_map("labels", c.labels, shown::yes);
  f.choice("format", c.format, format_names);
  f.count("partitions", c.partitions, when::always);
  f.count("replication_factor", c.replication_factor);
  f.bytes("keep", c.keep_bytes, when::always);
  f.duration("key_interval", c.key_interval_ms, when::always);
}

void describe(fields& f, consume_config& c) {
  f.text("name", c.name, shown::yes);
  f.text("kafka", c.kafka, shown::yes);
  f.text("topic", c.topic, shown::yes);
  f.texts("match", c.match, shown::yes);
  f.text_map("labels", c.labels, shown::yes);
  f.flag("from_beginning", c.from_beginning, when::always);
}

void describe(fields& f, own_region_config& c) {
  f.text("name", c.name, shown::yes);
  f.texts("match", c.match, shown::yes);
  f.text("topic", c.topic, shown::yes);
  f.count("partitions", c.partitions, when::always);
  f.count("replication_factor", c.replication_factor);
  f.bytes("keep", c.keep_bytes, when::always);
}

void describe(fields& f, region_config& c) {
  f.text("name", c.name, shown::yes);
  f.text("kafka", c.kafka, shown::yes);
  f.text("topic", c.topic, shown::yes);
  f.url("url", c.url);
  describe(f, c.client);
}

void describe(fields& f, global_view_config& c) {
  f.text("name", c.name, shown::yes);
  f.texts("urls", c.urls);
  f.duration("timeout", c.timeout_ms);
  f.count("max_concurrent", c.max_concurrent, when::always);
  f.bytes("max_answer_bytes", c.max_answer_bytes, when::always);
  f.text_map("headers", c.headers);
  describe(f, c.client);
}

void describe(fields& f, own_config& c) {
  f.list("federation", c.federation, describe);
  f.list("stream_aggregation", c.stream_aggregation, describe);
  f.list("series_budgets", c.series_budgets, describe);
  f.list("kafka", c.kafka, describe);
  f.list("publish", c.publish, describe);
  f.list("consume", c.consume, describe);
  f.object("region", c.region, describe);
  f.list("regions", c.regions, describe);
  f.list("global_view", c.global_view, describe);
}

}  // namespace troupe::config
