// Takes what senders push: decodes the request, stores its batches, answers when all of them are
// durable. Detached in production, since decoding computes; a request comes straight from the
// server's thread and goes straight to the shards.
#pragma once

#include "actors/rt/calls.h"
#include "actors/rt/shard_store.h"
#include "pipeline/ingest/input_marks.h"
#include "storage/base/clock.h"

#include <memory>
#include <vector>

namespace troupe::actors {

/// A token for each receiver. A request that waits for one holds a copy of it, so that use_count()
/// tells how many there are, whatever becomes of them or of the receiver. Any thread.
class receive_queues {
 public:
  explicit receive_queues(size_t receivers);
  /// Of the receiver for whom fewest wait.
  size_t shortest() const;
  size_t waiting(size_t receiver) const;
  /// A request's place, to be dropped when it is taken.
  std::shared_ptr<const void> place(size_t receiver) const { return tokens_[receiver]; }

 private:
  std::vector<std::shared_ptr<const void>> tokens_;
};

struct receive_params {
  const api::api* api = nullptr;
  shard_store_params store;
  clock* clk = nullptr;
  ingest::input_marks* marks = nullptr;  ///< may be null
};

struct receive_state {
  static inline const char* name = "receive";
  std::unique_ptr<shard_store> store;
};

receive_actor::behavior_type receiving(receive_actor::stateful_pointer<receive_state> self,
                                       receive_params params);

}  // namespace troupe::actors
