// One series of the head: 48 bytes that never move, in pages of 128. What it refers to (open
// samples, timestamps, closed chunks) lies in its shard's head_samples, which alone changes it. The
// labels do not change while a reader may see the series; all else is guarded by the page's lock
// (storage/docs/locking.md).
#pragma once

#include "storage/head/open_column.h"
#include "storage/head/spin_lock.h"
#include "storage/model/labels.h"

#include <array>
#include <cstdint>

namespace troupe::storage {

class head_series {
 public:
  const labels& lset() const { return lset_; }
  /// Of the tenant's index in this head.
  uint32_t ref() const { return ref_; }

 private:
  friend class head_samples;
  friend class series_map;

  labels lset_;
  open_values values_;       // of the open chunk
  uint32_t newest_low_ = 0;  // position of the newest closed chunk
  uint16_t newest_high_ = 0;
  uint8_t first_row_ = 0;  // of the open chunk in its segment
  uint8_t count_ = 0;      // samples of the open chunk
  uint32_t segment_ = 0;   // of timestamps; held
  uint32_t extra_ = 0;     // what few series have
  uint32_t ref_ = 0;
  bool odd_cut_ = false;  // the lowest bit of the number of its cut
  bool live_ = false;     // in the map; guarded by the head's structure lock
};
static_assert(sizeof(head_series) == 48);

/// References of a page follow each other; the first is a multiple of the size.
struct series_page {
  static constexpr uint32_t size = 128;

  mutable spin_lock lock;
  uint32_t used = 0;  ///< series that may still be seen
  std::array<head_series, size> series;

  static const series_page& of(const head_series& s) {
    const auto* first = reinterpret_cast<const char*>(&s - s.ref() % size);
    return *reinterpret_cast<const series_page*>(first - offsetof(series_page, series));
  }
};

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
