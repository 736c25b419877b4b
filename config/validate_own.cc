// Checks of troupe's own blocks (--troupe.config.file).
#include "config/aggregation_output.h"
#include "config/text.h"
#include "config/topic_stream.h"
#include "config/validate.h"
#include "config/yaml.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <utility>

namespace troupe::config {
namespace {

/// Of librdkafka: what changes how it connects, waits and buffers, and nothing that a record's
/// safety stands on.
constexpr std::array<std::string_view, 30> kafka_settings{"batch.num.messages",
                                                          "batch.size",
                                                          "broker.address.family",
                                                          "broker.address.ttl",
                                                          "client.id",
                                                          "compression.codec",
                                                          "compression.level",
                                                          "connections.max.idle.ms",
                                                          "debug",
                                                          "fetch.error.backoff.ms",
                                                          "fetch.max.bytes",
                                                          "fetch.message.max.bytes",
                                                          "fetch.min.bytes",
                                                          "fetch.wait.max.ms",
                                                          "linger.ms",
                                                          "message.max.bytes",
                                                          "metadata.max.age.ms",
                                                          "queue.buffering.max.kbytes",
                                                          "queued.max.messages.kbytes",
                                                          "queued.min.messages",
                                                          "receive.message.max.bytes",
                                                          "reconnect.backoff.max.ms",
                                                          "reconnect.backoff.ms",
                                                          "request.timeout.ms",
                                                          "retry.backoff.ms",
                                                          "socket.connection.setup.timeout.ms",
                                                          "socket.keepalive.enable",
                                                          "socket.nagle.disable",
                                                          "socket.timeout.ms",
                                                          "topic.metadata.refresh.interval.ms"};
constexpr std::array<std::string_view, 3> sasl_mechanisms{"PLAIN", "SCRAM-SHA-256",
                                                          "SCRAM-SHA-512"};

void add(diagnostics& out, std::string field, std::string message) {
  out.push_back({"", 0, 0, std::move(field), std::move(message)});
}

// It names files here and what others keep for it.
bool is_stage_name(std::string_view name) {
  constexpr size_t most_bytes = 80;
  return name.size() <= most_bytes && std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_' ||
                  c == '.';
         });
}

void check_stage_name(const std::string& name, std::string_view block, const std::string& path,
                      diagnostics& out) {
  if (name.empty())
    add(out, path, "name for " + std::string(block) + " is empty");
  else if (!is_stage_name(name))
    add(out, child_path(path, "name"), "must be at most 80 of a-z A-Z 0-9 - _ .");
}

void check_labels(const std::map<std::string, std::string>& labels, const std::string& path,
                  diagnostics& out) {
  for (const auto& [name, value] : labels)
    if (!is_label_name(name, true))
      add(out, child_path(child_path(path, "labels"), name),
          quoted(name) + " is not a valid label name");
}

template <class T>
void check_all(const std::vector<T>& all, std::string_view block, diagnostics& out) {
  std::set<std::string_view> names;
  for (size_t i = 0; i < all.size(); ++i) {
    const auto path = item_path(block, i);
    validate(all[i], path, out);
    if (!all[i].name.empty() && !names.insert(all[i].name).second)
      add(out, child_path(path, "name"), quoted(all[i].name) + " is there twice");
  }
}

template <class T>
void check_clusters(const std::vector<T>& all, std::string_view block, const own_config& c,
                    diagnostics& out) {
  for (size_t i = 0; i < all.size(); ++i)
    if (std::none_of(c.kafka.begin(), c.kafka.end(),
                     [&](const kafka_config& k) { return k.name == all[i].kafka; }))
      add(out, child_path(item_path(block, i), "kafka"),
          "there is no cluster " + quoted(all[i].kafka) + " under kafka");
}

void check_topic(const std::string& topic, const std::string& path, diagnostics& out) {
  if (topic.empty())
    add(out, path, "topic is empty");
  else if (!is_topic_name(topic))
    add(out, child_path(path, "topic"), "must be at most 249 of a-z A-Z 0-9 - _ .");
}

void check_new_topic(uint64_t partitions, uint64_t replicas, const std::string& path,
                     diagnostics& out) {
  constexpr uint64_t most_partitions = 256;
  constexpr uint64_t most_replicas = 32;
  if (partitions == 0 || partitions > most_partitions)
    add(out, child_path(path, "partitions"), "must be from 1 to 256");
  if (replicas > most_replicas)
    add(out, child_path(path, "replication_factor"), "must be at most 32");
}

}  // namespace

void validate(const federation_config& c, const std::string& path, diagnostics& out) {
  check_stage_name(c.name, "federation", path, out);
  if (c.url.empty())
    add(out, path, "url for federation is empty");
  else if (const auto s = check_url(c.url); !s.ok())
    add(out, child_path(path, "url"), std::string(s.message()));
  if (c.match.empty())
    add(out, path, "match for federation is empty");
  check_labels(c.labels, path, out);
  validate(c.client, path, out);
}

void validate(const aggregation_config& c, const std::string& path, diagnostics& out) {
  constexpr int64_t least_ms = 1'000;
  const auto check = [&](bool holds, std::string_view key, std::string message) {
    if (!holds)
      add(out, key.empty() ? path : child_path(path, key), std::move(message));
  };
  check(!c.name.empty(), "", "name for stream_aggregation is empty");
  check(!c.match.empty(), "", "match for stream_aggregation is empty");
  check(c.interval_ms >= least_ms, "interval", "must be at least 1s");
  check(c.by.empty() || c.without.empty(), "without", "by and without exclude each other");
  for (const auto* list : {&c.by, &c.without})
    for (size_t i = 0; i < list->size(); ++i)
      if (!is_label_name((*list)[i], true))
        add(out, item_path(child_path(path, list == &c.by ? "by" : "without"), i),
            quoted((*list)[i]) + " is not a valid label name");
  check(!c.outputs.empty(), "", "outputs for stream_aggregation are empty");
  std::set<aggregation_function> seen;
  for (size_t i = 0; i < c.outputs.size(); ++i) {
    const auto field = item_path(child_path(path, "outputs"), i);
    const auto parsed = parse_aggregation_output(c.outputs[i]);
    if (!parsed.ok())
      add(out, field, std::string(parsed.error().message()));
    else if (!seen.insert(parsed->function).second)
      add(out, field, "the output is there twice");
  }
  check(!c.keep_metric_names || c.outputs.size() <= 1, "keep_metric_names",
        "needs a single output: others would have the same name");
  check(c.keep_input || !c.keep_metric_names, "keep_input",
        "must be true with keep_metric_names: outputs could not be told from their input");
  check(
      c.dedup_interval_ms == 0 || (c.interval_ms != 0 && c.interval_ms % c.dedup_interval_ms == 0),
      "dedup_interval", "interval must be a multiple of it");
  check(c.staleness_interval_ms == 0 || c.staleness_interval_ms >= c.interval_ms,
        "staleness_interval", "must not be shorter than interval");
}

void validate(const series_budget_config& c, const std::string& path, diagnostics& out) {
  if (c.name.empty())
    add(out, path, "name for series_budgets is empty");
  if (c.limit == 0)
    add(out, child_path(path, "limit"), "must be at least 1");
  std::set<std::string_view> names;
  for (size_t i = 0; i < c.by.size(); ++i)
    if (const auto at = item_path(child_path(path, "by"), i); !is_label_name(c.by[i], true))
      add(out, at, quoted(c.by[i]) + " is not a valid label name");
    else if (!names.insert(c.by[i]).second)
      add(out, at, quoted(c.by[i]) + " is there twice");
}

void validate(const kafka_config& c, const std::string& path, diagnostics& out) {
  check_stage_name(c.name, "kafka", path, out);
  if (c.brokers.empty())
    add(out, path, "brokers for kafka are empty");
  for (size_t i = 0; i < c.brokers.size(); ++i)
    if (c.brokers[i].empty() || c.brokers[i].find_first_of(", /\t") != std::string::npos)
      add(out, item_path(child_path(path, "brokers"), i), "must be host:port");
  validate(c.tls_settings, child_path(path, "tls_config"), out);
  if (!c.tls && c.tls_settings != tls_config{})
    add(out, child_path(path, "tls_config"), "needs tls: true");
  const auto& s = c.sasl;
  const auto sasl = child_path(path, "sasl");
  if (!s.mechanism.empty() && std::find(sasl_mechanisms.begin(), sasl_mechanisms.end(),
                                        s.mechanism) == sasl_mechanisms.end())
    add(out, child_path(sasl, "mechanism"), "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
  if (!s.mechanism.empty() && s.username.empty())
    add(out, sasl, "username is empty");
  if (!s.mechanism.empty() && s.password.empty() == s.password_file.empty())
    add(out, sasl, "exactly one of password & password_file must be configured");
  if (s.mechanism.empty() && s != kafka_sasl_config{})
    add(out, sasl, "mechanism is empty");
  for (const auto& [key, value] : c.settings)
    if (std::find(kafka_settings.begin(), kafka_settings.end(), key) == kafka_settings.end())
      add(out, child_path(child_path(path, "settings"), key),
          quoted(key) + " is no setting of librdkafka that can be changed here");
}

void validate(const publish_config& c, const std::string& path, diagnostics& out) {
  constexpr int64_t least_interval_ms = 10'000;
  check_stage_name(c.name, "publish", path, out);
  check_topic(c.topic, path, out);
  check_labels(c.labels, path, out);
  check_new_topic(c.partitions, c.replication_factor, path, out);
  if (c.key_interval_ms < least_interval_ms)
    add(out, child_path(path, "key_interval"), "must be at least 10s");
}

void validate(const consume_config& c, const std::string& path, diagnostics& out) {
  check_stage_name(c.name, "consume", path, out);
  check_topic(c.topic, path, out);
  check_labels(c.labels, path, out);
}

void validate(const own_region_config& c, const std::string& path, diagnostics& out) {
  check_stage_name(c.name, "region", path, out);
  if (!c.topic.empty())
    check_topic(c.topic, path, out);
  check_new_topic(c.partitions, c.replication_factor, path, out);
}

void validate(const region_config& c, const std::string& path, diagnostics& out) {
  check_stage_name(c.name, "regions", path, out);
  if (c.kafka.empty() == c.url.empty())
    add(out, path, "exactly one of kafka & url must be configured");
  if (!c.topic.empty())
    check_topic(c.topic, path, out);
  if (!c.url.empty())
    if (const auto s = check_url(c.url); !s.ok())
      add(out, child_path(path, "url"), std::string(s.message()));
  validate(c.client, path, out);
}

// Where a region's series are; of a direct link the node.
std::pair<std::string, std::string> place_of(const region_config& r) {
  if (r.kafka.empty())
    return {"", r.url};
  return {r.kafka, region_topic(r.topic, r.name)};
}

// Two regions that share a topic could not be told from each other.
void check_region_places(const own_config& c, diagnostics& out) {
  std::map<std::pair<std::string, std::string>, std::string> seen;
  for (size_t i = 0; i < c.regions.size(); ++i) {
    const auto& r = c.regions[i];
    if (r.kafka.empty() == r.url.empty())
      continue;
    const auto path = item_path("regions", i);
    const std::string_view key = r.kafka.empty() ? "url" : r.topic.empty() ? "name" : "topic";
    const auto at = place_of(r);
    if (!r.kafka.empty() && r.name != c.region.name &&
        at.second == region_topic(c.region.topic, c.region.name))
      add(out, child_path(path, key), quoted(at.second) + " is the topic of this node's region");
    const auto [first, fresh] = seen.emplace(at, r.name);
    if (!fresh && first->second != r.name)
      add(out, child_path(path, key),
          quoted(at.second) + " is where region " + quoted(first->second) + " is");
  }
}

// What regions stand for must not meet blocks of the same names.
void check_regions(const own_config& c, diagnostics& out) {
  if (c.region != own_region_config() || !c.regions.empty())
    validate(c.region, "region", out);
  check_all(c.regions, "regions", out);
  check_region_places(c, out);
  const auto has = [](const auto& blocks, const std::string& name) {
    return std::any_of(blocks.begin(), blocks.end(), [&](const auto& b) { return b.name == name; });
  };
  for (size_t i = 0; i < c.regions.size(); ++i) {
    const auto& r = c.regions[i];
    const auto path = item_path("regions", i);
    if (r.name == c.region.name && !r.name.empty())
      add(out, child_path(path, "name"), quoted(r.name) + " is this node's region");
    if (r.kafka.empty() ? has(c.federation, r.name) : has(c.consume, r.name))
      add(out, child_path(path, "name"),
          quoted(r.name) + " is the name of a block of " +
              (r.kafka.empty() ? "federation" : "consume"));
    if (const auto own = "region-" + r.kafka; !r.kafka.empty() && has(c.publish, own))
      add(out, child_path(path, "kafka"), quoted(own) + " is the name of a block of publish");
    if (!r.kafka.empty() && !has(c.kafka, r.kafka))
      add(out, child_path(path, "kafka"),
          "there is no cluster " + quoted(r.kafka) + " under kafka");
  }
}

void validate(const global_view_config& c, const std::string& path, diagnostics& out) {
  constexpr uint64_t most_concurrent = 1024;
  constexpr std::string_view this_node = "local";  // in the parameter `regions` of queries
  check_stage_name(c.name, "global_view", path, out);
  if (c.name == this_node)
    add(out, child_path(path, "name"), "\"local\" stands for this node in queries");
  if (c.urls.empty())
    add(out, path, "urls for global_view are empty");
  const auto urls = child_path(path, "urls");
  for (size_t i = 0; i < c.urls.size(); ++i) {
    if (const auto s = check_url(c.urls[i]); !s.ok())
      add(out, item_path(urls, i), std::string(s.message()));
    if (std::find(c.urls.begin(), c.urls.begin() + static_cast<ptrdiff_t>(i), c.urls[i]) !=
        c.urls.begin() + static_cast<ptrdiff_t>(i))
      add(out, item_path(urls, i), "is there twice");
  }
  if (c.max_concurrent == 0 || c.max_concurrent > most_concurrent)
    add(out, child_path(path, "max_concurrent"), "must be from 1 to 1024");
  if (c.max_answer_bytes == 0)
    add(out, child_path(path, "max_answer_bytes"), "must not be 0");
  check_remote_headers(c.headers, path, out);
  validate(c.client, path, out);
}

void validate(const own_config& c, diagnostics& out) {
  check_all(c.federation, "federation", out);
  check_all(c.stream_aggregation, "stream_aggregation", out);
  check_all(c.series_budgets, "series_budgets", out);
  check_all(c.kafka, "kafka", out);
  check_all(c.publish, "publish", out);
  check_all(c.consume, "consume", out);
  check_clusters(c.publish, "publish", c, out);
  check_clusters(c.consume, "consume", c, out);
  check_regions(c, out);
  check_all(c.global_view, "global_view", out);
  for (size_t i = 0; i < c.global_view.size(); ++i)
    if (!c.region.name.empty() && c.global_view[i].name == c.region.name)
      add(out, child_path(item_path("global_view", i), "name"),
          quoted(c.region.name) + " is this node's region");
}

}  // namespace troupe::config
