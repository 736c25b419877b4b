// Positions in a series table to indices in the groups of its slots, as runs: a target's series
// come in one piece. One owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::storage {

class position_map {
 public:
  static constexpr uint32_t none = 0xffffffff;

  /// `none` if the position has no index yet.
  uint32_t find(uint32_t position) const {
    if (!dense_.empty())
      return position < dense_.size() ? dense_[position] : none;
    if (hint_ >= runs_.size() || !runs_[hint_].holds(position)) {
      const size_t after = first_after(position);
      if (after == 0 || !runs_[after - 1].holds(position))
        return none;
      hint_ = after - 1;
    }
    return runs_[hint_].index + (position - runs_[hint_].position);
  }
  /// Of a position without an index, in a table of `table_size` series.
  void add(uint32_t position, uint32_t index, size_t table_size) {
    if (!dense_.empty()) {
      dense_.resize(std::max(dense_.size(), table_size), none);
      dense_[position] = index;
      return;
    }
    const size_t after = first_after(position);
    if (after != 0 && runs_[after - 1].goes_on_with(position, index)) {
      ++runs_[after - 1].count;
      return;
    }
    runs_.insert(runs_.begin() + static_cast<std::ptrdiff_t>(after), {position, index, 1});
    if (runs_.size() * sizeof(run) > (table_size + 16) * sizeof(uint32_t))
      make_dense(table_size);
  }
  /// Forgets all positions from `end` on.
  void keep_below(uint32_t end) {
    if (dense_.size() > end)
      dense_.resize(end);
    if (dense_.empty())
      dense_.shrink_to_fit();
    while (!runs_.empty() && runs_.back().position >= end)
      runs_.pop_back();
    if (!runs_.empty())
      runs_.back().count = std::min(runs_.back().count, end - runs_.back().position);
  }
  size_t memory_bytes() const {
    return runs_.capacity() * sizeof(run) + dense_.capacity() * sizeof(uint32_t);
  }

 private:
  struct run {
    uint32_t position, index, count;
    bool holds(uint32_t p) const { return p - position < count; }
    bool goes_on_with(uint32_t p, uint32_t i) const {
      return p == position + count && i == index + count;
    }
  };

  size_t first_after(uint32_t position) const {
    const auto at = std::upper_bound(runs_.begin(), runs_.end(), position,
                                     [](uint32_t p, const run& r) { return p < r.position; });
    return static_cast<size_t>(at - runs_.begin());
  }
  void make_dense(size_t table_size) {
    dense_.assign(table_size, none);
    for (const run& r : runs_)
      for (uint32_t i = 0; i < r.count; ++i)
        dense_[r.position + i] = r.index + i;
    runs_ = std::vector<run>();
  }

  std::vector<run> runs_;        // ascending, not overlapping
  std::vector<uint32_t> dense_;  // by position, instead of runs where those would be larger
  mutable size_t hint_ = 0;      // the run found last
};

}  // namespace troupe::storage
