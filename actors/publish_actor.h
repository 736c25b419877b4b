// Shell of pipeline/topics, the publishing side: steps the publisher.
#pragma once

#include "actors/rt/draining.h"
#include "actors/rt/interfaces.h"
#include "pipeline/topics/publisher.h"
#include "pipeline/topics/topic_board.h"
#include "storage/base/clock.h"

#include <chrono>
#include <memory>

namespace troupe::actors {

struct publish_params {
  topics::session_options options;
  topics::publisher_environment env;
  clock* clk = nullptr;
  topics::topic_board* board = nullptr;  ///< may be null
  std::chrono::milliseconds every{100};
  /// Longest wait at stop for records under way; within the supervisor's deadline of a phase. What
  /// was not confirmed is sent again after the next start.
  std::chrono::milliseconds stop_deadline{1500};
};

struct publish_actor_state {
  static inline const char* name = "publish";
  std::unique_ptr<topics::publisher> publisher;
  draining stop;
  int64_t next_told_ns = 0;
};

publish_actor::behavior_type publishing(publish_actor::stateful_pointer<publish_actor_state> self,
                                        publish_params params);

}  // namespace troupe::actors
