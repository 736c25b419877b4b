// Kafka clusters, what this node streams into their topics, and what it takes from them. Plain
// data.
#pragma once

#include "config/http_client_config.h"
#include "storage/base/secret.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace troupe::config {

/// SASL by user name and password; without a mechanism there is none.
struct kafka_sasl_config {
  std::string mechanism;  ///< "", PLAIN, SCRAM-SHA-256, SCRAM-SHA-512
  std::string username;
  secret password;
  std::string password_file;

  bool operator==(const kafka_sasl_config&) const = default;
};

struct kafka_config {
  std::string name;                  ///< unique
  std::vector<std::string> brokers;  ///< host:port, to begin with
  bool tls = false;                  ///< with tls_config
  tls_config tls_settings;
  kafka_sasl_config sasl;
  std::map<std::string, std::string> settings;  ///< of librdkafka, those that may be set

  bool operator==(const kafka_config&) const = default;
};

/// How samples are written into a topic.
enum class record_format : uint8_t {
  frames,          ///< troupe's own
  remote_write,    ///< bodies of remote write 1.0: snappy, protobuf
  remote_write_2,  ///< of 2.0
};

struct publish_config {
  std::string name;   ///< unique; the place reached in the log is kept under it
  std::string kafka;  ///< the name of a cluster
  std::string topic;
  std::vector<std::string> match;             ///< selectors; none: all series
  std::map<std::string, std::string> labels;  ///< added to every series that has them not
  record_format format = record_format::frames;
  uint64_t partitions = 16;                 ///< of a topic that is created
  uint64_t replication_factor = 0;          ///< of a topic that is created; 0: the brokers' default
  uint64_t keep_bytes = 16ull << 30;        ///< most log that is kept while the cluster is away
  int64_t key_interval_ms = 10LL * 60'000;  ///< how often all series are described anew

  bool operator==(const publish_config&) const = default;
};

struct consume_config {
  std::string name;   ///< unique; the offsets reached are kept under it
  std::string kafka;  ///< the name of a cluster
  std::string topic;
  std::vector<std::string> match;             ///< selectors; none: all series
  std::map<std::string, std::string> labels;  ///< added to every series that has them not
  bool from_beginning = true;  ///< where it begins without an offset; else at the topic's end

  bool operator==(const consume_config&) const = default;
};

}  // namespace troupe::config
