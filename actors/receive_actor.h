// Takes what senders push: decodes the request, stores its batches, answers when all of them are
// durable. Detached in production, since decoding computes; a request comes straight from the
// server's thread and goes straight to the shards.
#pragma once

#include "actors/rt/calls.h"
#include "actors/rt/shard_store.h"

#include <atomic>
#include <memory>
#include <vector>

namespace troupe::actors {

/// How many requests wait for each receiver. The node counts up and picks the shortest queue, the
/// receiver counts down.
using receive_queues = std::vector<std::atomic<size_t>>;

struct receive_params {
  const api::api* api = nullptr;
  shard_store_params store;
  std::atomic<size_t>* waiting = nullptr;  ///< its place in the queues
};

struct receive_state {
  static inline const char* name = "receive";
  std::unique_ptr<shard_store> store;
};

receive_actor::behavior_type receiving(receive_actor::stateful_pointer<receive_state> self,
                                       receive_params params);

}  // namespace troupe::actors
