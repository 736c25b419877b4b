// Shell of pipeline/route: splits batches by shard, sends each shard its share in one message,
// joins the answers.
#pragma once

#include "actors/rt/open_requests.h"
#include "pipeline/ingest/ingester.h"
#include "pipeline/route/router.h"
#include "storage/base/stats.h"

#include <functional>
#include <memory>

namespace troupe::actors {

struct router_params {
  uint32_t shards = 1;
  registry* metrics = nullptr;
  /// Told about every batch taken and every answer given; may be empty.
  std::function<void(const batch_ptr&)> on_offer;
  std::function<void(const batch_ptr&, const ingest::outcome&)> on_outcome;
};

struct router_state {
  static inline const char* name = "router";
  std::unique_ptr<route::batch_router> stage;
  open_requests asked;
  links_ptr peers;
  bool stopping = false;
};

router_actor::behavior_type batch_routing(router_actor::stateful_pointer<router_state> self,
                                          router_params params);

}  // namespace troupe::actors
