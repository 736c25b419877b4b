// Small objects by 32-bit handle, without a header of their own: size classes in slabs of 64 KiB,
// cut from 4 MiB chunks of address space that are never given back (the pages of an empty slab
// are). Any thread; at() takes no lock.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace troupe {

/// An object stays where it is until it is freed. One arena lasts as long as the process: it has no
/// destructor, so that objects of static duration may still free into it.
class slab_arena {
 public:
  using handle = uint32_t;
  static constexpr handle none = 0;
  static constexpr size_t granule = 4;  ///< alignment of objects, unit of handles
  static constexpr size_t max_size = 8192;

  constexpr slab_arena() = default;
  slab_arena(const slab_arena&) = delete;
  slab_arena& operator=(const slab_arena&) = delete;

  /// `size` in 1..max_size. `none` when the address space of the arena (16 GiB) or of the system is
  /// used up.
  handle allocate(size_t size);
  /// Of an object allocated with this size.
  void free(handle h, size_t size);
  void* at(handle h) const {
    return chunks_[h >> chunk_shift].load(std::memory_order_relaxed) + (h & chunk_mask) * granule;
  }
  /// The handle of what at() gave.
  static handle handle_of(const void* object);

  /// Bytes of slabs in use (their pages may not all have been touched).
  size_t slab_bytes() const { return slabs_used_.load(std::memory_order_relaxed) * slab_size; }
  /// Bytes of live objects, rounded to their size classes.
  size_t object_bytes() const { return object_bytes_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t slab_size = 64u << 10;
  static constexpr size_t chunk_size = 4u << 20;
  static constexpr unsigned chunk_shift = 20;  // of handles: 4 MiB in granules
  static constexpr uint32_t chunk_mask = (1u << chunk_shift) - 1;
  static constexpr size_t slabs_per_chunk = chunk_size / slab_size;
  static constexpr size_t max_chunks = 4096;
  static constexpr size_t exact_limit =
      128;  // up to here a class per granule, then eight per doubling
  static constexpr size_t class_count = exact_limit / granule + 8 * 6;

  struct slab;
  struct chunk_head;
  /// Slabs of one size with room in them.
  struct size_class {
    std::mutex mutex;
    slab* partial = nullptr;
  };

  static size_t class_of(size_t size);
  static size_t class_size(size_t index);
  static chunk_head& head_of(const void* object);
  static slab& slab_of(const void* object);
  slab* take_slab(uint32_t object_size);
  void give_slab(slab& s);
  bool add_chunk();

  std::array<std::atomic<char*>, max_chunks> chunks_{};
  std::array<size_class, class_count> classes_{};
  std::mutex slabs_mutex_;
  slab* free_slabs_ = nullptr;  // guarded by slabs_mutex_
  uint32_t chunk_count_ = 0;    // the same
  std::atomic<size_t> slabs_used_{0};
  std::atomic<size_t> object_bytes_{0};
};

}  // namespace troupe
