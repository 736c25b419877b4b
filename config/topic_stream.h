// What is streamed into topics of Kafka: by blocks publish, and by blocks of remote_write whose URL
// names a topic (kafka://CLUSTER/TOPIC or kafka://host:port,host:port/TOPIC). Pure functions.
#pragma once

#include "config/config.h"
#include "config/diagnostics.h"
#include "config/yaml.h"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

/// What the URL of a topic says.
struct topic_url {
  std::string cluster;               ///< the name of a block of kafka; "": the brokers are named
  std::vector<std::string> brokers;  ///< host:port
  std::string topic;
};

bool is_topic_url(std::string_view url);
result<topic_url> parse_topic_url(std::string_view url);
/// The topic of a region; `topic` is what its block says.
std::string region_topic(const std::string& topic, const std::string& region);
/// "a:9092,b:9092" in parts.
std::vector<std::string> split_brokers(std::string_view text);
/// What Kafka takes as the name of a topic.
bool is_topic_name(std::string_view name);

/// One stream into a topic.
struct topic_stream {
  publish_config to;
  kafka_config cluster;
  std::vector<relabel_config> relabelling;  ///< after labels were added
  bool histograms = true, exemplars = true;
  int64_t age_limit_ms = 0;      ///< 0: samples of any age
  bool of_remote_write = false;  ///< else of a block publish

  bool operator==(const topic_stream&) const = default;
};

/// All of `c`, which is valid: the blocks publish first. A block of remote_write has the
/// publication "remote_write-" and its name; without a name that can name a file: and a hash.
std::vector<topic_stream> topic_streams(const config& c);

/// Blocks of remote_write that name a cluster which is not there, or a topic that another block
/// writes into. `clusters_known`: else names of clusters are taken as they are.
void check_topic_urls(const config& c, bool clusters_known, diagnostics& out);
/// Keys in such blocks: those that would guard an HTTP connection are refused, those that only tune
/// one are told, a line each.
void check_topic_keys(const yaml_node& root, const std::string& file, diagnostics& refused,
                      std::vector<std::string>& told);

}  // namespace troupe::config
