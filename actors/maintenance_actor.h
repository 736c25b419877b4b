// Shell of the storage's background work (cutting blocks, compaction, retention, WAL truncation)
// and of the admin calls that change blocks. Detached in production: it reads and writes files for
// seconds.
#pragma once

#include "actors/rt/calls.h"
#include "actors/rt/interfaces.h"
#include "actors/rt/supervisor.h"
#include "storage/base/stats.h"

#include <chrono>

namespace troupe::storage {
class storage;
}

namespace troupe::actors {

struct maintenance_params {
  storage::storage* store = nullptr;
  const api::api* api = nullptr;
  registry* metrics = nullptr;
  std::chrono::milliseconds every{15000};
  /// Retention of the configuration file, where it has one.
  std::function<void(const config_ptr&)> apply_config;
};

struct maintenance_state {
  static inline const char* name = "maintenance";
  // Not an aggregate: CAF would initialise one from the actor's pointer, which converts to the
  // first bool.
  maintenance_state() {}
  bool stopping = false;
  bool working = false;  ///< a round is under way
  uint32_t shard = 0;
};

maintenance_actor::behavior_type maintenance(
    maintenance_actor::stateful_pointer<maintenance_state> self, maintenance_params params);

}  // namespace troupe::actors
