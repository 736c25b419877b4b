// The series of one target by stable position: the shared table that batches refer to, and what is
// being added to it by the scrape in hand. One owner; published tables are immutable.
#pragma once

#include "pipeline/scrape/bitmap.h"
#include "storage/base/ref_table.h"
#include "storage/model/batch.h"
#include "storage/model/labels.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace troupe::scrape {

class series_set {
 public:
  /// The position of `series`, which is added if it is new. Stable until compact().
  uint32_t find_or_add(const labels& series);
  /// Positions in use, those just added included.
  uint32_t size() const {
    return static_cast<uint32_t>((table_ ? table_->series.size() : 0) + added_.size());
  }
  const labels& at(uint32_t position) const;
  /// Makes what was added part of a new table. Call before using table().
  void commit(std::string_view tenant);
  /// Forgets what was added since the last commit().
  void rollback();
  /// The table of the last commit(); its object changes only with its content.
  const series_table_ptr& table() const { return table_; }

  /// True if so many positions are not in `live` that compact() pays.
  bool is_sparse(const bitmap& live) const;
  /// Keeps only the positions in `live`, in order. Returns the new position of every old one (or
  /// 0xffffffff).
  std::vector<uint32_t> compact(const bitmap& live);

  /// Gives back the look-up index; it is built again when it is needed.
  void drop_index() { index_.clear(); }
  bool has_index() const { return !index_.empty(); }
  size_t heap_bytes() const;

 private:
  /// Of the position that `ref` (position + 1) stands for.
  uint32_t hash_of(uint32_t ref) const { return static_cast<uint32_t>(at(ref - 1).hash() >> 32); }
  void build_index();

  series_table_ptr table_;
  std::vector<labels> added_;
  ref_table index_;  ///< position + 1 by labels; built when a look-up needs it
};

}  // namespace troupe::scrape
