// A simulated Kafka cluster behind pipeline/kafka's interface: topics in memory, and all that can
// go wrong with them on command. Deterministic; one thread. Clients hold on to the cluster; a
// client that is destroyed loses what it had not sent (a process that dies).
#pragma once

#include "pipeline/kafka/cluster.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::support {

class sim_kafka final : public kafka::connector {
 public:
  struct stored_record {
    timestamp_ms ts = 0;
    std::string payload;
  };
  struct partition {
    int64_t first = 0;  ///< offset of the first of `records`
    std::deque<stored_record> records;
    int64_t end() const { return first + static_cast<int64_t>(records.size()); }
  };
  using topic = std::vector<partition>;

  // --- what goes wrong ---
  bool reachable = true;
  /// Creating topics fails with this, if it is not ok.
  status creation;
  /// Records are refused with this, if it is not ok.
  status writing;
  /// Making clients fails with this, if it is not ok.
  status making;
  /// The queue of a producer takes so much.
  uint64_t queue_bytes = 64u << 20;
  /// Larger records are refused for good.
  uint64_t largest_record = 1u << 20;
  /// A producer delivers so many records a poll, a consumer hands out so many.
  size_t records_a_poll = 1000;
  /// A producer hears of a record so many polls after it was appended.
  size_t delivery_polls = 0;
  /// Of a producer that is destroyed so many records are on their way: in the topic with land().
  size_t stragglers = 0;
  /// Consumers are not handed out so many of the next records, and go on behind them.
  size_t passed_over = 0;
  /// Consumers know the ends of partitions as they were at the last poll.
  bool stale_ranges = false;

  /// The next `n` records are appended, but their producer hears of a fatal error instead.
  void append_then_break(size_t n) { append_then_break_ = n; }
  /// Producers that exist are broken: nothing more is appended.
  void break_producers() { ++generation_; }
  /// What destroyed producers had sent arrives.
  void land();
  /// Records before `offset` are gone.
  void trim(const std::string& name, uint32_t p, int64_t offset);
  /// The partition loses its end (an unclean leader election).
  void truncate(const std::string& name, uint32_t p, int64_t end);
  /// The topic is deleted and made anew, empty.
  void recreate(const std::string& name);
  void add_partitions(const std::string& name, uint32_t count);
  /// Consumers get the last `n` records that they were handed once more.
  void redeliver(size_t n) { redeliver_ = n; }

  /// Null if it is missing.
  topic* find(const std::string& name);
  topic& make(const std::string& name, uint32_t partitions);
  /// Appends as another program would.
  int64_t append(const std::string& name, uint32_t p, timestamp_ms ts, std::string payload);

  result<std::unique_ptr<kafka::producer>> make_producer(
      const config::kafka_config& cluster, const kafka::topic_options& options) override;
  result<std::unique_ptr<kafka::consumer>> make_consumer(const config::kafka_config& cluster,
                                                         const std::string& name) override;

 private:
  class sim_producer;
  class sim_consumer;

  struct straggler {
    std::string topic;
    kafka::record what;
  };

  /// What becomes of a producer's record; ok if it is to be appended.
  status fate_of(const std::string& name, const kafka::record& r);
  void keep_sending(const std::string& name, std::deque<kafka::record> waiting);

  std::map<std::string, topic> topics_;
  std::vector<straggler> on_their_way_;
  size_t append_then_break_ = 0;
  size_t redeliver_ = 0;
  uint64_t generation_ = 0;
};

}  // namespace troupe::support
