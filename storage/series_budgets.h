// The node's budgets of series: puts them into force in all shards, and looks from time to time how
// many series of full groups get no samples any more, so that new ones may take their room. Owned
// by the node's storage.
#pragma once

#include "storage/base/clock.h"
#include "storage/head/shard.h"
#include "storage/model/cardinality.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

namespace troupe::storage {

class series_budgets {
 public:
  series_budgets(std::span<const std::unique_ptr<shard>> shards, const clock& clk)
      : shards_(shards), clock_(clk) {}

  /// Budgets that count what they counted before keep their counts; others are counted when it
  /// returns. One thread at a time, with step().
  void set(const std::vector<series_budget>& rules);
  /// Looks for series that have ended, if it is time to.
  void step();
  /// As budget_counter::state(). Any thread, also when the shards are gone.
  std::vector<budget_state> states(size_t groups) const;

 private:
  budget_list_ptr in_force() const;
  uint64_t count_ended(const budget_counter& budget, const budget_counter::group& g) const;

  const std::span<const std::unique_ptr<shard>> shards_;
  const clock& clock_;
  mutable std::mutex mutex_;
  budget_list_ptr budgets_ = std::make_shared<budget_list>();  ///< guarded by mutex_
  int64_t next_look_ns_ = 0;
};

}  // namespace troupe::storage
