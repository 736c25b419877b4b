// Shell of pipeline/audit: writes the canary on its ticks, reads it back through the query engine.
#pragma once

#include "actors/rt/interfaces.h"
#include "pipeline/audit/canary.h"
#include "storage/base/clock.h"
#include "storage/base/stats.h"
#include "storage/querier.h"

#include <functional>
#include <memory>

namespace troupe::query {
class engine;
}

namespace troupe::actors {

struct audit_params {
  audit::canary_options canary;
  query::engine* engine = nullptr;
  storage::queryable* data = nullptr;
  clock* clk = nullptr;
  registry* metrics = nullptr;
  /// Queries are answered: the replay is through.
  std::function<bool()> readable;
  /// How far back every stored sample must still be there, in ms.
  std::function<int64_t()> reach_ms;
};

struct audit_state {
  static inline const char* name = "audit";
  std::unique_ptr<audit::canary> canary;
  links_ptr peers;
  bool stopping = false;
};

audit_actor::behavior_type auditing(audit_actor::stateful_pointer<audit_state> self,
                                    audit_params params);

}  // namespace troupe::actors
