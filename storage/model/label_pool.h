// The process-wide store behind packed label sets: texts (names, and values under their name) and
// sets of them, each distinct one once, counted, freed with its last owner. Internal to
// storage/model; everyone else uses `labels`.
//
// Any thread. Who holds a reference to a set may read it and its texts without a lock: they do not
// move or change. Only making a set and dropping the last reference to one take a lock (one of 64
// for sets, then one of 64 for texts). The last reference is given up under the lock that a look-up
// holds, so that a look-up never meets a dying entry.
#pragma once

#include "storage/base/ref_table.h"
#include "storage/base/slab_arena.h"
#include "storage/model/labels.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <span>
#include <string_view>

namespace troupe {

class label_pool {
 public:
  using handle = slab_arena::handle;

  /// A name, or a value under its name. The bytes follow.
  struct text {
    std::atomic<uint32_t> refs{1};
    handle name = slab_arena::none;  ///< none: is a name
    uint32_t hash = 0;
    uint32_t size = 0;
    std::string_view view() const { return {reinterpret_cast<const char*>(this + 1), size}; }
  };
  /// Behind `labels` in packed form: `count` handles of values, in the order of their names,
  /// follow.
  using set = labels::rep;
  static const handle* ids(const set& s) { return reinterpret_cast<const handle*>(&s + 1); }

  constexpr label_pool() = default;
  static label_pool& instance();

  const text& at(handle id) const { return *static_cast<const text*>(arena_.at(id)); }
  label_view pair(handle id) const {
    const text& value = at(id);
    return {at(value.name).view(), value.view()};
  }
  /// The pair's number, not counted; none if no packed set has it.
  handle find_pair(std::string_view name, std::string_view value) const;
  /// For an owner of a reference to the pair.
  void retain_pair(handle id) { text_at(id).refs.fetch_add(1, std::memory_order_relaxed); }
  void release_pair(handle id) { release_text(id); }

  /// The set equal to `flat`, with a reference for the caller; null if it cannot be packed (a text
  /// above 8 KiB, more than 2,000 labels, no address space left).
  set* intern(const labels& flat);
  /// The set of these pairs, which the caller holds; null if it cannot be, or their names do not
  /// ascend.
  set* intern(std::span<const handle> pairs);
  /// Gives up a reference that may be the last.
  void release(set& s);
  labels::pool_stats stats() const;

 private:
  static constexpr unsigned shard_bits = 6;
  struct shard {
    mutable std::mutex mutex;
    ref_table table;  ///< guarded by mutex
  };
  using shard_array = std::array<shard, 1u << shard_bits>;

  handle find_in(const shard& s, handle name, uint32_t hash, std::string_view bytes) const;
  handle intern_text(handle name, std::string_view bytes);
  void release_text(handle h);
  set* make(const labels& flat);
  set* make(std::span<const handle> pairs, uint64_t hash);
  template <class Same, class Make>
  set* find_or_make(uint64_t hash, Same&& same, Make&& make);
  void free_set(set& s, uint32_t allocated);
  set& set_at(handle h) const { return *static_cast<set*>(arena_.at(h)); }
  text& text_at(handle h) const { return *static_cast<text*>(arena_.at(h)); }

  slab_arena arena_;
  shard_array texts_;
  shard_array sets_;
};

}  // namespace troupe
