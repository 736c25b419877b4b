// One worker of the query pool: runs handlers that read or decode, one at a time. Detached in
// production, since a query computes for seconds; reads go through the read door, never through an
// ingest actor.
#pragma once

#include "actors/rt/calls.h"
#include "actors/rt/interfaces.h"
#include "storage/base/clock.h"

#include <memory>

namespace troupe::actors {

struct query_params {
  const api::api* api = nullptr;
  clock* clk = nullptr;
  size_t index = 0;  ///< place in links::query
};

struct query_state {
  static inline const char* name = "query";
  links_ptr peers;
  bool stopping = false;
};

query_actor::behavior_type query_worker(query_actor::stateful_pointer<query_state> self,
                                        query_params params);

}  // namespace troupe::actors
