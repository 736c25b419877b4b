// Shell of the federation's source: requests of subscribers wait here for samples.
#pragma once

#include "actors/rt/calls.h"
#include "actors/rt/interfaces.h"
#include "pipeline/federate/source.h"
#include "storage/base/clock.h"

#include <chrono>
#include <memory>

namespace troupe::actors {

struct feed_params {
  federate::source_environment env;
  clock* clk = nullptr;
  std::chrono::milliseconds every{100};
};

struct feed_state {
  static inline const char* name = "feed";
  std::unique_ptr<federate::source> source;
};

feed_actor::behavior_type feeding(feed_actor::stateful_pointer<feed_state> self,
                                  feed_params params);

}  // namespace troupe::actors
