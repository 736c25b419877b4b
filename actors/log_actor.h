// Shell of storage/base/line_log: writes the queued lines of query and scrape failure logs in a
// thread of its own, so that a slow disk holds up neither queries nor scrapes.
#pragma once

#include "actors/rt/interfaces.h"
#include "storage/base/line_log.h"

namespace troupe::actors {

struct log_params {
  line_log* lines = nullptr;
};

struct log_state {
  static inline const char* name = "log";
  // Not an aggregate: CAF would initialise one from the actor's pointer, which converts to bool.
  log_state() {}
  bool stopping = false;
};

log_actor::behavior_type log_writing(log_actor::stateful_pointer<log_state> self,
                                     log_params params);

}  // namespace troupe::actors
