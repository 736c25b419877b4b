// The series of one tenant in one head, by reference and by label set. Not thread-safe: the head
// guards it.
#pragma once

#include "storage/base/ref_table.h"
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
  size_t size() const { return by_labels_.size(); }
  /// Bytes of the tables and pages.
  size_t memory_bytes() const;

 private:
  series_page& page_of(uint32_t ref) const { return *pages_[ref / series_page::size]; }
  head_series& raw(uint32_t ref) const { return page_of(ref).series[ref % series_page::size]; }
  static uint32_t hash_of(const labels& lset) { return static_cast<uint32_t>(lset.hash() >> 32); }
  /// By what the table has: reference + 1.
  uint32_t hash_at(uint32_t number) const { return hash_of(raw(number - 1).lset()); }

  std::vector<std::unique_ptr<series_page>> pages_;
  ref_table by_labels_;  ///< reference + 1
  uint32_t next_ref_ = 0;
};

}  // namespace troupe::storage
