// Settings of remote write that are the node's own. Plain data.
#pragma once

#include <cstdint>

namespace troupe::send {

struct destination_options {
  uint64_t log_limit_bytes = 16ULL << 30;  ///< of log that waits; the oldest beyond it is dropped
  double backlog_rate = 500'000;           ///< samples per second that were missed; 0: no bound
  int64_t fresh_first_lag_ms = 60'000;     ///< beyond it fresh samples overtake; 0: never
};

}  // namespace troupe::send
