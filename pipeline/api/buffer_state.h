// How the buffer of Kafka is doing, for /-/ready: in a header that clients of Prometheus do not
// know, and in lines for those who ask. Pure.
#pragma once

#include "pipeline/topics/topic_board.h"

#include <string>

namespace troupe::api {

struct buffer_state {
  /// "ok", or what is not, each once: "failed", "spooling", "draining", "away", "behind", "gaps";
  /// "": there is no buffer.
  std::string summary;
  std::string lines;  ///< one per block and state, with line ends
};

buffer_state buffer_state_of(const topics::topic_board& board);

}  // namespace troupe::api
