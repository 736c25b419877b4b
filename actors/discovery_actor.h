// Shell of pipeline/discover: ticks the manager, carries its http_sd fetches, publishes target sets
// to the scrape actors.
#pragma once

#include "actors/rt/interfaces.h"
#include "pipeline/discover/discovery_manager.h"
#include "pipeline/http/http.h"
#include "storage/base/clock.h"

#include <chrono>
#include <functional>
#include <memory>

namespace troupe::actors {

struct discovery_params {
  discover::discovery_environment env;  ///< without the watcher, which the actor owns
  std::function<std::unique_ptr<discover::file_watcher>()> make_watcher;  ///< may be empty
  http::fetcher* fetcher = nullptr;
  clock* clk = nullptr;
  std::chrono::milliseconds every{100};
};

struct discovery_actor_state {
  static inline const char* name = "discovery";
  std::unique_ptr<discover::file_watcher> watcher;
  std::unique_ptr<discover::discovery_manager> manager;
  target_sets_ptr latest;
  links_ptr peers;
  bool stopping = false;
};

discovery_actor::behavior_type discovery(
    discovery_actor::stateful_pointer<discovery_actor_state> self, discovery_params params);

}  // namespace troupe::actors
