// The settings of a process' actor system.
#pragma once

#include <caf/actor_system_config.hpp>

namespace troupe::actors {

/// Work sharing instead of stealing (idle workers sleep), a bound on how long one actor keeps a
/// worker, no CAF output.
class system_config : public caf::actor_system_config {
 public:
  explicit system_config(size_t worker_threads);
};

}  // namespace troupe::actors
