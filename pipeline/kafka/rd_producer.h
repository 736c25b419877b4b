// A producer over librdkafka.
#pragma once

#include "pipeline/kafka/cluster.h"
#include "pipeline/kafka/rd_topic.h"

#include <functional>

namespace troupe::kafka {

struct rd_producer_options {
  topic_options topic;
  bool alone = false;  ///< each record is sent in a request of its own
  /// A broker refused a batch: the next producer must be one that sends records alone, since of a
  /// batch it cannot be told which record it was.
  std::function<void()> batch_refused;
};

result<std::unique_ptr<producer>> make_rd_producer(rd_conf conf, const clock& time,
                                                   rd_producer_options options);

}  // namespace troupe::kafka
