// Shell of pipeline/aggregate: steps stream aggregation, stores what it gives. Detached in
// production, since reading the log blocks.
#pragma once

#include "actors/rt/shard_store.h"
#include "pipeline/aggregate/stream_aggregation.h"
#include "pipeline/ingest/input_marks.h"
#include "storage/base/clock.h"

#include <chrono>
#include <functional>
#include <memory>

namespace troupe::actors {

struct aggregate_params {
  aggregate::aggregation_options options;
  aggregate::aggregation_environment env;
  shard_store_params store;
  clock* clk = nullptr;
  ingest::input_marks* marks = nullptr;
  /// The replay is through.
  std::function<bool()> readable;
  /// How long after a start senders have to come back before data count as complete.
  int64_t senders_return_ms = 0;
  std::chrono::milliseconds every{200};
};

struct aggregate_actor_state {
  static inline const char* name = "aggregate";
  std::unique_ptr<aggregate::stream_aggregation> work;
  std::unique_ptr<shard_store> store;
  config_ptr config;
  int64_t readable_since = -1;  ///< wall clock
};

aggregate_actor::behavior_type aggregating(
    aggregate_actor::stateful_pointer<aggregate_actor_state> self, aggregate_params params);

}  // namespace troupe::actors
