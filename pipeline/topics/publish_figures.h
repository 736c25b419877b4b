// The metrics of one publication: troupe_kafka_publish_*.
#pragma once

#include "storage/base/stats.h"

#include <string>

namespace troupe::topics {

struct publish_figures {
  publish_figures(registry& metrics, const std::string& publication);

  counter &samples, &records, &bytes, &sessions, &errors;
  counter &for_room, &too_large, &too_old, &damaged;  ///< dropped samples, by reason
  gauge &lag_seconds, &lag_bytes, &queued_bytes, &up;

 private:
  class maker;
  explicit publish_figures(maker m);
};

}  // namespace troupe::topics
