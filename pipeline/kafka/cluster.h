// What troupe needs of a Kafka cluster: producers and consumers of one topic that never block, and
// tell everything that goes wrong. librdkafka is behind it (rd_cluster.h); tests have their own.
#pragma once

#include "config/kafka_config.h"
#include "storage/base/result.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::kafka {

/// How a connection is doing, for people and metrics.
struct connection_state {
  bool up = false;  ///< a broker answers
  std::string
      last_error;  ///< the last thing that went wrong, with the broker; "" after it was mended
};

struct record {
  uint32_t partition = 0;
  std::string payload;
  timestamp_ms ts = 0;  ///< the record's time in Kafka
  uint64_t token = 0;   ///< comes back with its delivery
};

/// What became of a record. Of one partition in the order of produce(); after one that was not
/// taken, later ones may have been.
struct delivery {
  uint32_t partition = 0;
  uint64_t token = 0;
  int64_t offset = -1;  ///< where it is, when `error` is ok
  /// invalid_argument: it will never be taken (too large, say). not_found: there is no such topic
  /// or partition. permission_denied, unavailable: perhaps later.
  status error;
};

struct topic_options {
  std::string name;
  uint32_t partitions = 1;          ///< of one that is created
  uint32_t replication_factor = 0;  ///< 0: the brokers' default
  bool create = true;               ///< if it is missing
};

/// Writes into one topic: idempotent, acks=all, in order, without a time limit for a record. One
/// owner.
class producer {
 public:
  virtual ~producer() = default;
  /// How many partitions the topic has; 0 as long as that is not known. Creates a missing topic.
  /// May wait for a moment while it is not known (README.md).
  virtual uint32_t partitions() = 0;
  /// resource_exhausted: the queue is full, again after a poll(). Else it fails only when the
  /// producer is broken; what is wrong with a record its delivery says. Never blocks.
  virtual status produce(record r) = 0;
  /// Records that were delivered or given up since the last call.
  virtual std::vector<delivery> poll() = 0;
  /// Not ok: it delivers nothing any more (a fatal error of the idempotent producer, say); records
  /// without a delivery may or may not be in the topic. Make a new one.
  virtual status broken() const = 0;
  virtual connection_state state() const = 0;
  /// Bytes of records without a delivery.
  virtual uint64_t queued_bytes() const = 0;
};

struct fetched_record {
  uint32_t partition = 0;
  int64_t offset = 0;
  timestamp_ms ts = 0;
  std::string payload;
};

enum class offset_trouble : uint8_t {
  below_start,  ///< what was asked for is gone already
  beyond_end,   ///< the topic ends before: it was made anew, or lost its end
};

/// A partition whose reading has stopped until it is started again.
struct stopped_partition {
  uint32_t partition = 0;
  int64_t asked = 0;  ///< the offset that is not there
  offset_trouble why = offset_trouble::below_start;
  int64_t first = 0, end = 0;  ///< what there is now: offsets in [first, end)
};

struct fetched {
  std::vector<fetched_record> records;  ///< of each partition in order
  std::vector<stopped_partition> stopped;
};

/// The offsets of a partition that can be read: [first, end).
struct offset_range {
  int64_t first = 0, end = 0;
};

/// Reads partitions of one topic from offsets on, each from its own; no consumer group. One owner.
class consumer {
 public:
  virtual ~consumer() = default;
  /// 0 as long as that is not known; a topic that is missing has none.
  virtual uint32_t partitions() = 0;
  /// Absent as long as it is not known. As it was a moment ago.
  virtual std::optional<offset_range> range(uint32_t partition) = 0;
  /// Reads the partition from `offset` on, from now; it is not paused. Records read before are not
  /// handed out after.
  virtual status start(uint32_t partition, int64_t offset) = 0;
  virtual void stop(uint32_t partition) = 0;
  /// A paused partition hands out nothing, and fetches no more than its queue holds.
  virtual void pause(uint32_t partition) = 0;
  virtual void resume(uint32_t partition) = 0;
  /// Never blocks. About `most_bytes` of records, one at least if there is any.
  virtual fetched poll(size_t most_bytes) = 0;
  virtual connection_state state() const = 0;
};

/// Makes both. Thread-safe.
class connector {
 public:
  virtual ~connector() = default;
  /// invalid_argument for a setting that librdkafka refuses, io_error for a file that cannot be
  /// read. No broker needs to be there.
  virtual result<std::unique_ptr<producer>> make_producer(const config::kafka_config& cluster,
                                                          const topic_options& topic) = 0;
  virtual result<std::unique_ptr<consumer>> make_consumer(const config::kafka_config& cluster,
                                                          const std::string& topic) = 0;
};

}  // namespace troupe::kafka
