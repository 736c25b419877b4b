#include "actors/rt/system_config.h"

#include "actors/rt/type_ids.h"

namespace troupe::actors {

system_config::system_config(size_t worker_threads) {
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-threads", worker_threads);
  set("scheduler.max-throughput", size_t{32});
  add_message_types<caf::id_block::troupe>();
}

}  // namespace troupe::actors
