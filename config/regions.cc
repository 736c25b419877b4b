// Regions to the blocks that they stand for.
#include "config/own_config.h"
#include "config/region_config.h"
#include "config/topic_stream.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace troupe::config {
namespace {

constexpr std::string_view label = "region";

// Names of regions are those of stages: nothing in them needs quotes, but a dot must not match all.
std::vector<std::string> series_of(const std::string& region) {
  std::string literal;
  for (const char c : region)
    literal += c == '.' ? std::string("\\\\.") : std::string(1, c);
  return {"{__name__=~\".+\",region=~\"|" + literal + "\"}"};
}

publish_config published(const own_region_config& own, const std::string& kafka) {
  publish_config out;
  out.name = "region-" + kafka;
  out.kafka = kafka;
  out.topic = region_topic(own.topic, own.name);
  out.match = own.match.empty() ? series_of(own.name) : own.match;
  out.labels = {{std::string(label), own.name}};
  out.partitions = own.partitions;
  out.replication_factor = own.replication_factor;
  out.keep_bytes = own.keep_bytes;
  return out;
}

}  // namespace

std::string region_topic(const std::string& topic, const std::string& region) {
  return topic.empty() ? "troupe." + region : topic;
}

void add_region_blocks(own_config& c) {
  std::set<std::string> clusters;
  for (const auto& r : c.regions) {
    if (r.kafka.empty()) {
      federation_config f;
      f.name = r.name;
      f.url = r.url;
      f.match = series_of(r.name);
      f.labels = {{std::string(label), r.name}};
      f.client = r.client;
      c.federation.push_back(std::move(f));
      continue;
    }
    if (clusters.insert(r.kafka).second)
      c.publish.push_back(published(c.region, r.kafka));
    consume_config in;
    in.name = r.name;
    in.kafka = r.kafka;
    in.topic = region_topic(r.topic, r.name);
    // What it shares says so already; this tells who is meant when it is behind.
    in.labels = {{std::string(label), r.name}};
    c.consume.push_back(std::move(in));
  }
}

}  // namespace troupe::config
