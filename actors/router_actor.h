// Shell of pipeline/route for the stages whose batches are small and many (scrapes, the canary):
// what waits in its mailbox goes to the shards from here.
#pragma once

#include "actors/rt/shard_store.h"

#include <memory>

namespace troupe::actors {

struct router_state {
  static inline const char* name = "router";
  std::unique_ptr<shard_store> store;
};

router_actor::behavior_type batch_routing(router_actor::stateful_pointer<router_state> self,
                                          shard_store_params params);

}  // namespace troupe::actors
