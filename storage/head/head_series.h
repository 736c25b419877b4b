// One series of the head: 40 bytes that never move, in pages of 203. What it refers to (open
// samples, timestamps, closed chunks) lies in its shard's head_samples, which alone changes it. The
// labels do not change while a reader may see the series; all else is guarded by the page's lock
// (storage/docs/locking.md).
#pragma once

#include "storage/head/open_column.h"
#include "storage/head/spin_lock.h"
#include "storage/model/labels.h"

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace troupe::storage {

class head_series {
 public:
  const labels& lset() const { return lset_; }
  /// Of the tenant's index in this head.
  uint32_t ref() const;

 private:
  friend class head_samples;
  friend class series_map;

  labels lset_;
  open_values values_;       // of the open chunk
  uint32_t newest_low_ = 0;  // position of the newest closed chunk
  uint16_t newest_high_ : 15 = 0;
  uint16_t odd_cut_ : 1 = 0;  // the lowest bit of the number of its cut
  uint8_t first_row_ = 0;     // of the open chunk in its segment
  uint8_t count_ = 0;         // samples of the open chunk
  uint32_t segment_ = 0;      // of timestamps; held
  uint32_t extra_ = 0;        // what few series have
};
static_assert(sizeof(head_series) == 40);

/// References of a page follow each other; the first is a multiple of the size. Its address is one
/// of the alignment, which it fills but for what the allocator puts between two of them.
struct series_page {
  static constexpr uint32_t size = 203;
  static constexpr size_t alignment = 8192;

  explicit series_page(uint32_t first) : first_ref(first) {}
  static void* operator new(size_t bytes) {
    void* p = nullptr;
    if (posix_memalign(&p, alignment, bytes) != 0)
      throw std::bad_alloc();
    return p;
  }
  static void operator delete(void* p) { std::free(p); }

  mutable spin_lock lock;
  uint32_t first_ref;
  uint32_t used = 0;       ///< series that may still be seen
  std::bitset<size> live;  ///< in the map; guarded by the head's structure lock
  std::array<head_series, size> series;

  static const series_page& of(const head_series& s) {
    return *reinterpret_cast<const series_page*>(reinterpret_cast<uintptr_t>(&s) &
                                                 ~(alignment - 1));
  }
};
static_assert(sizeof(series_page) <= series_page::alignment - 2 * sizeof(void*));

inline uint32_t head_series::ref() const {
  const series_page& page = series_page::of(*this);
  return page.first_ref + static_cast<uint32_t>(this - page.series.data());
}

/// Holds the lock of at most one page.
class page_guard {
 public:
  page_guard() = default;
  explicit page_guard(const head_series& s) { hold(s); }
  ~page_guard() { release(); }
  page_guard(const page_guard&) = delete;
  page_guard& operator=(const page_guard&) = delete;

  void hold(const head_series& s) {
    const series_page& page = series_page::of(s);
    if (held_ == &page)
      return;
    release();
    page.lock.lock();
    held_ = &page;
  }
  void release() {
    if (held_)
      held_->lock.unlock();
    held_ = nullptr;
  }

 private:
  const series_page* held_ = nullptr;
};

}  // namespace troupe::storage
