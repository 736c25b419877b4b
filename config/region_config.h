// The region of this node, and the other ones whose series it takes over. Plain data; load turns
// it into the blocks publish, consume and federation.
#pragma once

#include "config/http_client_config.h"
#include "config/kafka_config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::config {

/// This node's region, as the others see it. Without a name there is none.
struct own_region_config {
  std::string name;                ///< value of the label "region" of what it shares
  std::vector<std::string> match;  ///< what it shares; none: all series of no region or of this one
  std::string topic;               ///< "": "troupe." and the name
  uint64_t partitions = publish_config().partitions;  ///< of a topic that is created
  uint64_t replication_factor = 0;                    ///< of it; 0: the brokers' default
  uint64_t keep_bytes = publish_config().keep_bytes;  ///< most log kept while Kafka is away

  bool operator==(const own_region_config&) const = default;
};

/// Another region: by a topic of a cluster, or directly from a node of it.
struct region_config {
  std::string name;
  std::string kafka;  ///< the name of a cluster; "": directly
  std::string topic;  ///< "": "troupe." and the name
  std::string url;    ///< a node of it, for a direct link
  http_client_config client;

  bool operator==(const region_config&) const = default;
};

struct own_config;
/// Adds to `c` the blocks that its regions stand for, named after the regions; `c` is valid.
void add_region_blocks(own_config& c);

}  // namespace troupe::config
