// What the tests of publishing share: a node's log on a simulated disk, the publisher over it, a
// simulated Kafka, and a reader of what is in the topic. One owner.
#pragma once

#include "pipeline/topics/publisher.h"
#include "pipeline/topics/record.h"
#include "storage/wal/wal_door.h"
#include "tests/storage/wal/wal_kit.h"
#include "tests/support/sim_kafka.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::topics {

/// Timestamps by tenant and series, as they came.
using series_order = std::map<std::pair<std::string, labels>, std::vector<timestamp_ms>>;

/// All that a topic holds, read from its first record on.
struct topic_content {
  storage::log_content all;
  uint64_t samples = 0;  ///< those that are there twice counted twice
  uint64_t lost = 0;     ///< could not be read
  size_t records = 0, heartbeats = 0;
  uint64_t doubled() const { return samples - all.samples.size(); }
  std::vector<std::vector<record_header>> headers;  ///< by partition
  series_order order;
  size_t misplaced = 0;  ///< series in a partition that is not theirs
};

class PublishTest : public testing::Test {
 protected:
  PublishTest();

  /// A start of the process, with the configuration of the moment.
  void start();
  /// kill -9.
  void kill();
  void power_cut();
  void apply() { publisher->apply(std::make_shared<const config::config>(conf)); }
  config::publish_config& block() { return conf.own.publish.front(); }

  /// Batches of a few targets and senders, with all that a log may hold.
  void write(size_t batches);
  /// One batch.
  void write(const write_batch& b);
  void pause(int64_t ms) {
    switches->pause(stages::stage::publish, block().name, ms, "", log.clk.now_ms(),
                    log.clk.monotonic_ns());
  }
  /// Time passes in steps of 100 ms.
  void pass(int64_t ms);
  /// A checkpoint takes over all but the newest segment, which nobody but holds needs then.
  void condense();
  double metric(const std::string& name, const std::string& label = {});
  topic_content read(const std::string& topic = "t");
  void each_batch(const std::string& topic, const std::function<void(const write_batch&)>& f);
  /// Records name the first one of their segment.
  static void expect_keys(const topic_content& got);
  /// All that was written is in the topic.
  void expect_all(const topic_content& got);

  storage::log_fixture log{1};
  std::unique_ptr<storage::wal_door> door;
  std::unique_ptr<registry> metrics = std::make_unique<registry>();
  support::sim_kafka kafka;
  kafka::connector* connector = &kafka;
  config::config conf;
  session_options options;
  uint64_t remote_write_keep_bytes = config::publish_config().keep_bytes;
  std::unique_ptr<memory_budget> memory;  ///< null: no bound
  std::vector<std::pair<std::string, metadata>> described;
  std::unique_ptr<stages::stage_switches> switches;
  std::unique_ptr<topics::publisher> publisher;
  storage::batch_source source{1};
  storage::log_content written;
  series_order order;  ///< of what was written
};

}  // namespace troupe::topics
