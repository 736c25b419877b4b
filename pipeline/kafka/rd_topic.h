// The topic of a client: how many partitions it has, and its creation when it is missing.
#pragma once

#include "pipeline/kafka/rd_client.h"

namespace troupe::kafka {

/// One owner: that of the client, which must outlive it. Asking costs a wait of 50 ms at most, once
/// a second, while partitions are unknown, and once a minute afterwards; none at all while no
/// broker is connected. Where brokers answer later than that the wait grows, up to 800 ms:
/// librdkafka 2.0 has no way to ask for a topic that does not wait, and forgets the answer when its
/// caller has gone.
class rd_topic {
 public:
  /// invalid_argument for a topic that librdkafka refuses.
  static result<std::unique_ptr<rd_topic>> make(rd_client& client, const clock& time,
                                                topic_options options);

  rd_kafka_topic_s* handle() const { return handle_.get(); }
  const std::string& name() const { return options_.name; }
  /// 0 as long as it is not known.
  uint32_t partitions();
  /// As it was when it was asked for last.
  uint32_t known_partitions() const { return count_; }
  /// Something said that it is not there, or not as it was: asks anew.
  void look_again();

 private:
  rd_topic(rd_client& client, const clock& time, topic_options options)
      : client_(client), time_(time), options_(std::move(options)) {}

  void look();
  void create();
  void take_creation();

  rd_client& client_;
  const clock& time_;
  topic_options options_;
  rd_topic_handle handle_;
  rd_queue answers_;            // to a creation; only while it is under way
  std::string creation_error_;  // of the last creation
  uint32_t count_ = 0;
  int wait_ms_ = 0;
  int64_t look_ns_ = 0, create_ns_ = 0;  // not before
};

}  // namespace troupe::kafka
