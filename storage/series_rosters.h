// The series of single metrics over all heads of the node: lists that everybody who reads a metric
// shares, kept as long as somebody has them and brought up to date when series come or go.
// Thread-safe. Owned by the node's reader.
#pragma once

#include "storage/base/memory_budget.h"
#include "storage/head/shard.h"
#include "storage/querier.h"
#include "storage/read_epochs.h"

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>

namespace troupe::storage {

struct head_roster;

class series_rosters {
 public:
  /// `memory` is charged for rosters; null: no bound.
  series_rosters(std::span<const std::unique_ptr<shard>> shards, memory_budget* memory)
      : shards_(shards), memory_(memory) {}

  /// queryable::family() of what is in the heads. `blocks` was entered before the list of blocks
  /// was looked at.
  std::unique_ptr<series_family> open(const family_request& wanted, read_epochs::token blocks);

 private:
  using roster_ptr = std::shared_ptr<const head_roster>;

  const std::span<const std::unique_ptr<shard>> shards_;
  memory_budget* const memory_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::pair<std::string, std::string>, std::weak_ptr<const head_roster>> rosters_;
  uint64_t last_id_ = 0;
};

}  // namespace troupe::storage
