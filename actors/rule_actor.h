// Shell of pipeline/rules: evaluates a share of the rule groups, stores what they give, hands their
// alerts on. Detached in production, since evaluating computes.
#pragma once

#include "actors/rt/shard_store.h"
#include "pipeline/ingest/input_marks.h"
#include "pipeline/rules/rule_manager.h"
#include "storage/base/clock.h"

#include <chrono>
#include <functional>
#include <memory>
#include <vector>

namespace troupe::actors {

struct rule_params {
  rules::manager_environment manager;
  shard_store_params store;
  clock* clk = nullptr;
  ingest::input_marks* marks = nullptr;
  /// Queries are answered: the replay is through.
  std::function<bool()> readable;
  /// How long after a start senders have to come back before data count as complete.
  int64_t senders_return_ms = 0;
  std::chrono::milliseconds every{200};
};

struct rule_actor_state {
  static inline const char* name = "rules";
  std::unique_ptr<rules::rule_manager> manager;
  std::unique_ptr<shard_store> store;
  config_ptr config;
  int64_t readable_since = -1;  ///< wall clock
  bool ticking = false;
  /// What could not be stored, to be offered again at the next tick.
  std::vector<std::function<void()>> again;
};

rule_actor::behavior_type evaluating(rule_actor::stateful_pointer<rule_actor_state> self,
                                     rule_params params);

}  // namespace troupe::actors
