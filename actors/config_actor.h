// Owns the configuration in force: loads it at start and on reload, distributes it, keeps the old
// one when the new is bad. Looks for changed files itself where that is asked for.
#pragma once

#include "actors/rt/interfaces.h"
#include "storage/base/clock.h"
#include "storage/base/stats.h"

#include <chrono>
#include <functional>
#include <optional>

namespace troupe::actors {

struct config_params {
  /// Reads and validates; the error says what is wrong where.
  std::function<result<config_ptr>()> load;
  /// What is in force when the actor starts, read by the node.
  config_ptr initial;
  /// Changes when the configuration's files change; used if `auto_reload_every` is not 0.
  std::function<result<uint64_t>()> checksum;
  /// Taken before the node read its first configuration.
  std::optional<uint64_t> initial_checksum;
  /// How often the checksum is compared; a change triggers a reload. 0: never.
  std::chrono::milliseconds auto_reload_every{0};
  /// Told about every configuration that comes into force.
  std::function<void(const config_ptr&)> accepted;
  /// Told about every attempt.
  std::function<void(bool ok)> attempted;
  registry* metrics = nullptr;
  clock* clk = nullptr;
};

struct config_state {
  static inline const char* name = "config";
  config_ptr current;
  /// Of the files behind `current`; nothing if they could not be read then.
  std::optional<uint64_t> checksum;
  links_ptr peers;
  bool stopping = false;
};

config_actor::behavior_type configuration(config_actor::stateful_pointer<config_state> self,
                                          config_params params);

}  // namespace troupe::actors
