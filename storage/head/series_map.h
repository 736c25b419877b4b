// The series of one tenant in one head, by reference and by label set. Not thread-safe: the head
// guards it.
#pragma once

#include "storage/head/head_series.h"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace troupe::storage {

/// References count up from 0 and are never reused, so that a stale posting list meets an empty
/// place and never another series. A page of references whose series are all gone is freed.
class series_map {
 public:
  /// The reference that the next insert() expects.
  uint32_t next_ref() const { return next_ref_; }
  /// Null if there is none.
  head_series* find(const labels& lset) const;
  /// Null if it is gone.
  series_ptr at(uint32_t ref) const;
  /// `series->ref()` must be next_ref() and its label set new.
  void insert(series_ptr series);
  void remove(const head_series& series);
  size_t size() const { return size_; }
  /// Bytes of the tables.
  size_t memory_bytes() const;

 private:
  static constexpr uint32_t page_size = 1024;
  static constexpr uint32_t empty_cell = 0;
  struct page {
    std::array<series_ptr, page_size> series;
    uint32_t used = 0;
  };
  struct cell {
    uint32_t ref = empty_cell;  ///< reference + 1
    uint32_t hash = 0;
  };

  head_series* raw(uint32_t ref) const {
    return pages_[ref / page_size]->series[ref % page_size].get();
  }
  void grow();
  void put(uint32_t ref, uint64_t hash);

  std::vector<std::unique_ptr<page>> pages_;
  std::vector<cell> cells_;  ///< open addressing, linear probing; a power of two
  size_t size_ = 0;
  uint32_t next_ref_ = 0;
};

}  // namespace troupe::storage
