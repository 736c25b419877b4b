// Shell of pipeline/notify: ticks the notifier, carries its requests, drains it at stop.
#pragma once

#include "actors/rt/draining.h"
#include "actors/rt/interfaces.h"
#include "pipeline/http/http.h"
#include "pipeline/notify/notifier.h"
#include "storage/base/clock.h"

#include <chrono>
#include <functional>
#include <memory>

namespace troupe::actors {

struct notify_params {
  notify::notifier_options options;
  discover::discovery_environment env;  ///< without the watcher, which the actor owns
  std::function<std::unique_ptr<discover::file_watcher>()> make_watcher;  ///< may be empty
  http::fetcher* fetcher = nullptr;
  clock* clk = nullptr;
  /// Told which Alertmanagers there are, whenever that changes.
  std::function<void(alertmanagers_state_ptr)> publish;
  std::chrono::milliseconds every{500};
  /// Longest wait for Alertmanagers at stop; within the supervisor's deadline of a phase.
  std::chrono::milliseconds drain_deadline{2000};
};

struct notify_actor_state {
  static inline const char* name = "notify";
  std::unique_ptr<discover::file_watcher> watcher;
  std::unique_ptr<notify::notifier> notifier;
  alertmanagers_state_ptr published;
  draining stop;
};

notify_actor::behavior_type notification(notify_actor::stateful_pointer<notify_actor_state> self,
                                         notify_params params);

}  // namespace troupe::actors
