// Reads the log of all shards from a place on, each stream in order and nothing twice. One owner.
#pragma once

#include "pipeline/send/cursor.h"
#include "storage/log_door.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace troupe::aggregate {

class log_follower {
 public:
  /// Takes each batch with the shard whose dictionary it has.
  using take = std::function<void(uint32_t shard, const storage::wal_batch&)>;

  /// Reads what is at or behind `from.next`.
  log_follower(storage::log_door& log, send::stretch from);

  /// Up to about `budget_bytes` of each shard. True: it was at the end of all of them.
  result<bool> read(size_t budget_bytes, const take& to);
  /// Everything before was read.
  const send::places& next() const { return at_.next; }
  /// Where to go on from.
  const send::stretch& at();
  /// Samples that damage of the log has taken.
  uint64_t samples_lost() const;

 private:
  class sink;

  storage::log_segment reading(uint32_t shard) const;

  storage::log_door& log_;
  send::stretch at_;
  const send::places begun_;
  std::vector<std::unique_ptr<storage::log_tail>> tails_;  ///< by shard; null: not opened yet
};

}  // namespace troupe::aggregate
