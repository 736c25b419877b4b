// What the tests of consumption share: writers into a topic of a simulated cluster, a node with a
// simulated disk that reads it, and a storage that counts. One owner.
#pragma once

#include "pipeline/topics/consumers.h"
#include "pipeline/topics/record_writer.h"
#include "storage/base/clock.h"
#include "storage/base/random.h"
#include "tests/support/sim_file_system.h"
#include "tests/support/sim_kafka.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::topics {

/// A series and a time.
using sample_key = std::pair<std::string, timestamp_ms>;

/// Writes into one partition as a node's publisher does: some series, described at the beginning of
/// every segment or when they come.
class topic_writer {
 public:
  topic_writer(uint64_t node, uint32_t partition, size_t segment_records, uint64_t session = 100);

  /// A record with a sample of each of `series` series at `ts`; its bytes.
  std::string next(int64_t offset, timestamp_ms ts, size_t series = 3);
  /// One that tells only how far the writer is.
  std::string mark(int64_t offset, timestamp_ms as_of);
  /// What the last record has.
  const std::map<sample_key, double>& content() const { return content_; }

 private:
  std::string take(int64_t offset, timestamp_ms as_of);

  const std::string instance_;
  const size_t segment_records_;
  record_writer writer_;
  std::vector<labels> series_;
  series_table_ptr table_;
  int64_t key_offset_ = -1;
  size_t records_ = 0;
  double value_ = 0;
  std::map<sample_key, double> content_;
};

class ConsumeTest : public testing::Test {
 protected:
  ConsumeTest();

  // --- the topic ---
  /// A record of node 1 into the partition, of now or of `ms` before.
  void write(uint32_t partition = 0, int64_t ms_ago = 0, size_t series = 3);
  /// `n` of them, `ms` apart.
  void write_many(size_t n, int64_t ms = 10, uint32_t partition = 0);
  void write_mark(uint32_t partition = 0);
  /// Any bytes.
  int64_t append(std::string payload, uint32_t partition = 0);
  topic_writer& writer(uint32_t partition, uint64_t node = 1);
  void write_as(uint64_t node, uint32_t partition = 0, int64_t ms_ago = 0, size_t series = 3);
  int64_t end_of(uint32_t partition = 0);

  // --- this node ---
  config::consume_config& block() { return conf.own.consume.front(); }
  void start();
  void kill();
  void reload() { to->apply(std::make_shared<const config::config>(conf)); }
  void pause(int64_t ms) {
    switches->pause(stages::stage::consume, block().name, ms, "", clk.now_ms(), clk.monotonic_ns());
  }
  /// One step; what it hands out is stored and answered, as the members below say.
  void step();
  /// Time passes.
  void pass(int64_t ms, int64_t step_ms = 100);
  consume_offsets on_disk();
  /// The offsets on disk are not ahead of what is stored.
  void check_offsets();
  double figure(const std::string& name);
  consumption_state state() { return to->states().front(); }
  /// Taken more than once.
  size_t doubled() const;

  manual_clock clk;
  support::sim_kafka cluster;
  support::sim_file_system disk{1};
  std::unique_ptr<registry> metrics = std::make_unique<registry>();
  config::config conf;
  std::unique_ptr<stages::stage_switches> switches;
  std::unique_ptr<consumers> to;
  std::map<std::pair<uint32_t, uint64_t>, topic_writer> writers;
  size_t segment_records = 10;

  std::map<sample_key, double> written;
  /// By partition and offset, what a record has.
  std::map<std::pair<uint32_t, int64_t>, std::vector<sample_key>> in_record;
  std::map<sample_key, double> stored;
  std::map<sample_key, int> times;  ///< how often each was stored
  std::vector<timestamp_ms> order;  ///< as they came
  status refuse;                    ///< storage's answer, if it is not ok
  bool answers = true;              ///< storage does
  std::vector<uint64_t> unanswered;
  size_t steps = 0;
  std::vector<std::pair<std::string, timestamp_ms>> progress;

 private:
  ingest::outcome store(const write_batch& b);
};

}  // namespace troupe::topics
