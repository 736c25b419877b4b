// How many series the groups of one budget have in the heads of the node, and whether they may have
// more. All shards share it; any thread. Only series that come or go get here: one that is known
// costs nothing.
#pragma once

#include "storage/model/cardinality.h"
#include "storage/model/labels.h"
#include "storage/options.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::storage {

class budget_counter {
 public:
  /// Series of one tenant that have these values of the budget's labels (a label that they do not
  /// have is left out).
  struct group {
    std::string tenant;
    labels values;
    bool operator==(const group&) const = default;
  };

  /// Its limit is at least 1.
  explicit budget_counter(series_budget of);

  const series_budget& rule() const { return rule_; }
  /// Both count the same series in the same groups.
  bool counts_as(const series_budget& other) const;
  void set_limit(uint64_t series) { limit_.store(series, std::memory_order_relaxed); }
  uint64_t limit() const { return limit_.load(std::memory_order_relaxed); }

  /// Nothing if the budget does not concern the series. Tenants of the node's own are free.
  std::optional<group> group_of(std::string_view tenant, const labels& series) const;
  /// Counts a series that is about to come, if there is room; else the refusal.
  bool reserve(const group& g);
  /// The series did not come, after all.
  void give_back(const group& g);
  /// A series has come without a reservation: what is there is never refused.
  void add(const group& g);
  void remove(const group& g);

  /// Groups for which it matters how many of their series have ended: some were refused, or
  /// ended ones were counted before.
  std::vector<group> groups_to_look_at() const;
  /// So many series of the group are in the heads, but get no samples any more: room for others.
  void set_ended(const group& g, uint64_t series);
  /// Selects the group's series.
  matchers selector_of(const group& g) const;

  /// The groups with most refusals, then most series; at most `limit`.
  budget_state state(size_t limit) const;

 private:
  struct figures {
    uint64_t series = 0;
    uint64_t ended = 0;  ///< of them
    uint64_t refused = 0;
    bool wants_room = false;

    uint64_t active() const { return series - std::min(series, ended); }
  };
  struct group_hash {
    size_t operator()(const group& g) const {
      return g.values.hash() ^ std::hash<std::string>()(g.tenant);
    }
  };
  struct stripe {
    mutable std::mutex mutex;
    // Both are guarded by mutex.
    std::unordered_map<group, figures, group_hash> groups;  ///< that have series
    uint64_t refused_before = 0;                            ///< of groups that have none any more
  };

  stripe& stripe_of(const group& g) { return stripes_[g.values.hash() >> stripe_shift]; }
  void drop_one(const group& g, bool was_series);

  static constexpr unsigned stripe_bits = 4;
  static constexpr unsigned stripe_shift = 64 - stripe_bits;
  const series_budget rule_;
  std::atomic<uint64_t> limit_;
  std::array<stripe, 1u << stripe_bits> stripes_;
};

using budget_list = std::vector<std::shared_ptr<budget_counter>>;
using budget_list_ptr = std::shared_ptr<const budget_list>;

/// `rules` in place of `before`: a counter goes on if it counts the same.
budget_list_ptr replace_budgets(const budget_list& before, const std::vector<series_budget>& rules);

}  // namespace troupe::storage
