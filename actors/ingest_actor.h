// Shell of pipeline/ingest: the single writer of one shard. Batches gather in the mailbox; the
// commit message that the first of them posts comes behind them, so a commit covers whatever
// arrived meanwhile.
#pragma once

#include "actors/rt/interfaces.h"
#include "actors/rt/supervisor.h"
#include "pipeline/ingest/ingester.h"

#include <functional>
#include <memory>

namespace troupe::storage {
class storage;
}

namespace troupe::actors {

struct ingest_params {
  storage::storage* store = nullptr;
  registry* metrics = nullptr;
  uint32_t shard = 0;
  /// How long a batch that nobody awaits may wait for company.
  std::chrono::milliseconds ride_along{100};
  /// How long fdatasync may be owed after a commit; 0: every commit does its own, or none does.
  std::chrono::milliseconds sync_every{0};
  std::function<void(exit_code, const std::string&)> fatal;
};

struct ingest_state {
  static inline const char* name = "ingest";
  std::unique_ptr<ingest::ingester> stage;
  bool commit_soon = false;   ///< a commit is queued right behind the mailbox
  bool commit_later = false;  ///< a commit is on the clock
  bool sync_later = false;    ///< fdatasync is on the clock
  bool stopping = false;
};

ingest_actor::behavior_type ingest_shard(ingest_actor::stateful_pointer<ingest_state> self,
                                         ingest_params params);

}  // namespace troupe::actors
