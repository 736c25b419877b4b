// Growing runs of a few dozen bytes, for the open samples of a shard's series: linked blocks of a
// cache line, so that growth copies nothing and a freed block serves any run. One writer appends
// and frees; any thread may read a run that it learnt of under a lock which the writer takes to
// change it. Memory is reused, never given back.
#pragma once

#include "storage/head/stable_pool.h"

#include <array>
#include <cstdint>
#include <span>

namespace troupe::storage {

/// A run of bytes in a slab; plain data, its owner frees it.
struct slab_bytes {
  uint32_t last = 0;  ///< block; valid if size > 0
  uint16_t size = 0;
  uint8_t size_in_last = 0;
  uint8_t tag = 0;  ///< the owner's
};

class byte_slab {
 public:
  /// The most bytes a run can have.
  static constexpr uint16_t max_bytes = 1536;
  using buffer = std::array<uint8_t, max_bytes>;

  /// Appends; `more` must keep the run within max_bytes.
  void append(slab_bytes& to, const uint8_t* bytes, size_t more);
  /// The last byte of a run that is not empty.
  uint8_t& back(const slab_bytes& b) { return at(b.last).bytes[b.size_in_last - 1u]; }
  /// All bytes of the run, copied to `to`.
  std::span<const uint8_t> read(const slab_bytes& b, buffer& to) const;
  /// Frees the blocks; the tag is cleared too.
  void release(slab_bytes& b);
  /// Asks the CPU for the end of the run.
  void prefetch(const slab_bytes& b) const {
    if (b.size != 0)
      __builtin_prefetch(&at(b.last), 1);
  }
  size_t memory_bytes() const { return pages_.size() * sizeof(page); }
  /// Bytes in blocks that are in use.
  size_t used_bytes() const { return used_ * sizeof(block); }

 private:
  static constexpr uint32_t no_block = UINT32_MAX;
  static constexpr size_t block_bytes = 60;
  struct block {
    uint32_t before;  ///< of the run, or of the free ones
    std::array<uint8_t, block_bytes> bytes;
  };
  static_assert(sizeof(block) == 64);
  static constexpr uint32_t page_blocks = 1024;
  struct alignas(64) page {
    std::array<block, page_blocks> blocks;
  };

  block& at(uint32_t n) const { return pages_[n / page_blocks].blocks[n % page_blocks]; }
  uint32_t take_block();

  page_directory<page> pages_;
  uint32_t free_ = no_block;
  uint32_t next_ = 0;  ///< never used so far
  size_t used_ = 0;
};

inline void byte_slab::append(slab_bytes& to, const uint8_t* bytes, size_t more) {
  if (to.size == 0)
    to.size_in_last = block_bytes;
  for (size_t i = 0; i < more; ++i) {
    if (to.size_in_last == block_bytes) [[unlikely]] {
      const uint32_t n = take_block();
      at(n).before = to.last;
      to.last = n;
      to.size_in_last = 0;
    }
    at(to.last).bytes[to.size_in_last++] = bytes[i];
    ++to.size;
  }
}

}  // namespace troupe::storage
