// Cells of a few dozen bytes in size classes, for the open samples of a shard's series. One writer
// allocates and frees; any thread may read a cell that it learnt of under a lock which the writer
// takes before it frees the cell. Memory is reused, never given back.
#pragma once

#include "storage/head/stable_pool.h"

#include <array>
#include <cstdint>

namespace troupe::storage {

/// A growing run of bytes in a slab; plain data, its owner frees it.
struct slab_bytes {
  uint32_t cell = 0;
  uint16_t size = 0;
  uint8_t size_class = 0;  ///< 0: no cell
  uint8_t tag = 0;         ///< the owner's
};

class byte_slab {
 public:
  byte_slab() { free_.fill(no_cell); }

  /// The most bytes a run can have.
  static constexpr uint16_t max_bytes = 1536;

  const uint8_t* data(const slab_bytes& b) const { return at(b.cell); }
  /// Appends; `more` must keep the run within max_bytes.
  void append(slab_bytes& to, const uint8_t* bytes, uint16_t more);
  /// The last byte of a run that is not empty.
  uint8_t& back(const slab_bytes& b) { return at(b.cell)[b.size - 1]; }
  void release(slab_bytes& b);
  /// Asks the CPU for the end of the run.
  void prefetch(const slab_bytes& b) const {
    if (b.size_class != 0)
      __builtin_prefetch(at(b.cell) + b.size, 1);
  }
  size_t memory_bytes() const { return pages_.size() * page_bytes; }
  /// Bytes in cells that are in use.
  size_t used_bytes() const { return used_; }

 private:
  static constexpr uint32_t no_cell = UINT32_MAX;
  static constexpr uint32_t unit = 8, page_bytes = 1 << 16, page_units = page_bytes / unit;
  static constexpr std::array<uint16_t, 15> classes{0,   16,  24,  32,  48,  64,   96,  128,
                                                    192, 256, 384, 512, 768, 1024, 1536};
  struct alignas(64) page {
    std::array<uint8_t, page_bytes> bytes;
  };

  uint8_t* at(uint32_t cell) const {
    return pages_[cell / page_units].bytes.data() + cell % page_units * unit;
  }
  uint32_t allocate(uint8_t size_class);
  void put_free(uint32_t cell, uint8_t size_class);
  void grow(slab_bytes& b, uint16_t wanted);

  page_directory<page> pages_;
  /// First free cell per class; its first bytes name the next one.
  std::array<uint32_t, classes.size()> free_;
  uint32_t next_unit_ = page_units;  ///< of the last page
  size_t used_ = 0;
};

inline void byte_slab::append(slab_bytes& to, const uint8_t* bytes, uint16_t more) {
  if (to.size + more > classes[to.size_class]) [[unlikely]]
    grow(to, static_cast<uint16_t>(to.size + more));
  uint8_t* end = at(to.cell) + to.size;
  for (uint16_t i = 0; i < more; ++i)
    end[i] = bytes[i];
  to.size = static_cast<uint16_t>(to.size + more);
}

}  // namespace troupe::storage
