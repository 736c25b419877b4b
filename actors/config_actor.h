// Owns the configuration in force: loads it at start and on reload, distributes it, keeps the old
// one when the new is bad.
#pragma once

#include "actors/rt/interfaces.h"
#include "storage/base/clock.h"
#include "storage/base/stats.h"

#include <functional>

namespace troupe::actors {

struct config_params {
  /// Reads and validates; the error says what is wrong where.
  std::function<result<config_ptr>()> load;
  /// Read by the node before the actors started: what is in force until the first reload.
  config_ptr initial;
  /// Told about every configuration that comes into force (inert keys to warn about, log settings).
  std::function<void(const config_ptr&)> accepted;
  /// Told about every attempt.
  std::function<void(bool ok)> attempted;
  registry* metrics = nullptr;
  clock* clk = nullptr;
};

struct config_state {
  static inline const char* name = "config";
  config_ptr current;
  links_ptr peers;
};

config_actor::behavior_type configuration(config_actor::stateful_pointer<config_state> self,
                                          config_params params);

}  // namespace troupe::actors
