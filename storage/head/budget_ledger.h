// What one shard adds to the counts of the budgets: which of its series are counted, and for which
// that are about to come there is room. The shard's writer lock guards it.
#pragma once

#include "storage/head/budget_counter.h"
#include "storage/head/head.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace troupe::storage {

class budget_ledger {
 public:
  /// Other budgets come into force. Those that are new here count nothing and refuse nothing until
  /// count_some() has been through all series.
  void adopt(budget_list_ptr budgets);
  /// Counts about `budget` more series of `head` for new budgets; true when it is through.
  bool count_some(head& head, size_t budget);
  /// A series that is not in the head needs admits().
  bool active() const { return !counted_.empty(); }

  /// Null if every budget has room for a new series, which is kept for it; else the budget that has
  /// none.
  const budget_counter* admits(std::string_view tenant, const labels& series);
  /// A budget concerns the series, and no room is kept for it.
  bool would_ask(std::string_view tenant, const labels& series) const;
  /// What is kept for series that did not come is free again.
  void give_back_reserved();

  /// As series_listener's.
  void created(std::string_view tenant, const head_series& s);
  void removed(std::string_view tenant, const head_series& s);

 private:
  struct reserved_series {
    std::string tenant;
    labels series;
    bool operator==(const reserved_series&) const = default;
  };
  struct reserved_hash {
    size_t operator()(const reserved_series& r) const { return r.series.hash(); }
  };

  budget_list counted_;  ///< for all series of the shard
  budget_list joining_;  ///< for the series before counted_until_
  head::position counted_until_;
  std::unordered_set<reserved_series, reserved_hash> reserved_;
};

}  // namespace troupe::storage
