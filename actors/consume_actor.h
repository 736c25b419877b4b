// Shell of the topics that this node stores: steps their consumptions and stores what they hand
// out.
#pragma once

#include "actors/rt/draining.h"
#include "actors/rt/interfaces.h"
#include "actors/rt/shard_store.h"
#include "pipeline/ingest/source_marks.h"
#include "pipeline/topics/consumers.h"
#include "pipeline/topics/topic_board.h"
#include "storage/base/clock.h"

#include <chrono>
#include <memory>

namespace troupe::actors {

struct consume_params {
  topics::consume_environment env;
  shard_store_params store;
  clock* clk = nullptr;
  topics::topic_board* board = nullptr;  ///< may be null
  ingest::source_marks marks{"consume"};
  std::chrono::milliseconds every{50};
  /// Longest wait at stop for what is being stored. What is not is read again after the next start.
  std::chrono::milliseconds stop_deadline{1500};
};

struct consume_state {
  static inline const char* name = "consume";
  std::unique_ptr<topics::consumers> consumers;
  std::unique_ptr<shard_store> store;
  draining stop;
  int64_t next_told_ns = 0;
};

consume_actor::behavior_type consuming(consume_actor::stateful_pointer<consume_state> self,
                                       consume_params params);

}  // namespace troupe::actors
