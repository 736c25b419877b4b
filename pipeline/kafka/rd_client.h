// A client of librdkafka: its handle, what it logs, and how its connections are doing.
#pragma once

#include "pipeline/kafka/cluster.h"
#include "pipeline/kafka/rd_handle.h"
#include "pipeline/kafka/rd_log.h"
#include "pipeline/kafka/rd_settings.h"

#include <mutex>
#include <string_view>

namespace troupe::kafka {

/// One owner; librdkafka's threads tell it of connections. Topics and queues must be gone before
/// it. It goes without waiting for any broker.
class rd_client {
 public:
  /// Takes what librdkafka refuses of the settings as a whole as invalid_argument.
  static result<std::unique_ptr<rd_client>> make(rd_kind kind, rd_conf conf, const clock& time);
  ~rd_client();

  rd_kafka_s* handle() const { return handle_.get(); }
  /// Runs what librdkafka has for its owner: errors, deliveries. Does not wait.
  void serve();
  /// Something that was asked of the cluster failed.
  void failed(int error, const std::string& text);
  /// Something that was asked of the cluster worked.
  void worked();
  bool any_broker() const;
  connection_state state() const;

  /// Of one broker, as its thread sees it. For librdkafka's threads.
  enum class broker : uint8_t { idle, up, down };
  void broker_changed(broker from, broker to);
  line_limit& log_limit() { return limit_; }

 private:
  explicit rd_client(const clock& time) : limit_(time) {}
  status open(rd_kind kind, rd_conf& conf);

  line_limit limit_;
  std::string_view refusal_hint_;
  mutable std::mutex lock_;
  int up_ = 0, down_ = 0;         // brokers
  std::string connection_error_;  // counts while a broker is down
  std::string other_error_;       // stands until something works
  std::unique_ptr<rd_kafka_s, rd_deleter> handle_;
};

}  // namespace troupe::kafka
