// Shell of the subscriber's side of federation: carries its requests and stores what they bring.
#pragma once

#include "actors/rt/draining.h"
#include "actors/rt/interfaces.h"
#include "actors/rt/shard_store.h"
#include "pipeline/federate/subscriber.h"
#include "pipeline/http/http.h"
#include "pipeline/ingest/source_marks.h"
#include "storage/base/clock.h"

#include <chrono>
#include <memory>

namespace troupe::actors {

struct federation_params {
  federate::subscriber_environment env;
  shard_store_params store;
  http::fetcher* fetcher = nullptr;
  clock* clk = nullptr;
  ingest::source_marks marks{"federation"};
  std::chrono::milliseconds every{100};
  /// Longest wait at stop for what is being stored. What is not is asked for again after the next
  /// start.
  std::chrono::milliseconds stop_deadline{1500};
};

struct federation_state {
  static inline const char* name = "federation";
  std::unique_ptr<federate::subscriber> subscriber;
  std::unique_ptr<shard_store> store;
  draining stop;
};

federation_actor::behavior_type federating(
    federation_actor::stateful_pointer<federation_state> self, federation_params params);

}  // namespace troupe::actors
