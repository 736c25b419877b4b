// The series of one tenant in one head, by reference and by label set. Not thread-safe: the head
// guards it.
#pragma once

#include "storage/head/head_series.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace troupe::storage {

/// References count up from 0 and are never reused, so that a stale posting list meets an empty
/// place and never another series. Series do not move. A page of references whose series are all
/// gone is freed.
class series_map {
 public:
  /// The reference that the next create() gives.
  uint32_t next_ref() const { return next_ref_; }
  /// Null if there is none.
  head_series* find(const labels& lset) const;
  /// Null if it is gone.
  head_series* at(uint32_t ref) const;
  /// The label set must be new.
  head_series& create(const labels& lset);
  /// Neither find() nor at() gives it any more; readers that have it may go on.
  void remove(head_series& series);
  /// Nobody has the removed series any more.
  void reclaim(uint32_t ref);
  size_t size() const { return size_; }
  /// Bytes of the tables and pages.
  size_t memory_bytes() const;

 private:
  static constexpr uint32_t empty_cell = 0;
  struct cell {
    uint32_t ref = empty_cell;  ///< reference + 1
    uint32_t hash = 0;
  };

  head_series& raw(uint32_t ref) const {
    return pages_[ref / series_page::size]->series[ref % series_page::size];
  }
  void grow();
  void put(uint32_t ref, uint64_t hash);

  std::vector<std::unique_ptr<series_page>> pages_;
  std::vector<cell> cells_;  ///< open addressing, linear probing; a power of two
  size_t size_ = 0;
  uint32_t next_ref_ = 0;
};

}  // namespace troupe::storage
