// Closed chunks of a head, in regions: bytes that are written once, in order, and given up from the
// front when their samples are in blocks. The chunks of a series are linked from the newest to the
// oldest, so that a series keeps one position only (storage/docs/head_layout.md). One writer;
// readers from any thread through a chunk_view. Owned by head_samples.
#pragma once

#include "storage/head/chunk_file.h"
#include "storage/head/head_chunk.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::storage {

/// A stretch of the sequence, in memory or in a file. What is below the writer's position never
/// changes.
struct chunk_region {
  chunk_position begin = 0;
  size_t capacity = 0;
  size_t used = 0;  ///< set when the next region begins
  std::unique_ptr<char[]> memory;
  std::unique_ptr<chunk_file> file;

  std::string_view bytes() const {
    return file ? file->bytes() : std::string_view(memory.get(), capacity);
  }
};
using chunk_region_ptr = std::shared_ptr<const chunk_region>;

/// The regions and the state of cuts at one moment; keeps the bytes alive. A cut sets aside the
/// chunks with a lower number than its own that end before its bound; released, they are hidden.
struct chunk_view {
  std::vector<chunk_region_ptr> regions;  ///< ascending
  uint32_t cut = 0;                       ///< of the chunks that are closed now
  timestamp_ms bound = min_time;          ///< of the cut before
  uint32_t released_cut = 0;
  timestamp_ms released_bound = min_time;

  bool is_released(const stored_chunk& c) const {
    return c.cut < released_cut && c.max_ts < released_bound;
  }
  bool is_set_aside(const stored_chunk& c) const {
    return c.cut < cut && c.max_ts < bound && !is_released(c);
  }
  /// ok if all that was read of these chunks is what the disk has: ask before trusting it.
  status trusted(std::span<const stored_chunk> chunks) const;
  /// Calls visit(const stored_chunk&) for the chunks of a series that are not released, from the
  /// newest on. corruption if a chunk is damaged: what is older is out of reach then.
  template <class F>
  status for_each(chunk_position newest, F&& visit) const;

 private:
  /// Null if it was given up.
  const chunk_region* region_of(chunk_position p) const;
  static status damaged_at(chunk_position p);
};
using chunk_view_ptr = std::shared_ptr<const chunk_view>;

/// A region as a snapshot has it.
struct saved_region {
  chunk_position begin = 0;
  uint32_t capacity = 0;
  uint32_t used = 0;
  uint32_t cut = 0;  ///< highest of its chunks
  timestamp_ms max_ts = min_time;
  std::unique_ptr<chunk_file> file;  ///< null: `bytes` has what is used
  uint32_t checksum = 0;             ///< of the file
  bool in_file = false;
  std::string bytes;
};

/// All of a store while no cut is under way.
struct saved_chunks {
  uint32_t cut = 0;
  timestamp_ms bound = min_time;  ///< of the last cut
  chunk_position next = 1;        ///< no position from here on was ever used
  std::vector<saved_region> regions;
};

class chunk_store {
 public:
  /// Regions have at least `min_region_bytes`, and at most 64 times as much, unless a chunk needs
  /// more.
  explicit chunk_store(size_t min_region_bytes);

  // --- the writer ---
  /// Makes sure that the next `n` bytes lie in one region; its begin.
  chunk_position make_room(size_t n);
  /// The next position. A region that begins is full of zeros.
  chunk_position next() const { return next_; }
  /// Writes bytes that there is room for.
  void write(std::string_view bytes);
  /// The chunk that is written next.
  void note(uint32_t cut, timestamp_ms max_ts);
  void begin_cut(timestamp_ms bound);
  /// What was set aside is hidden from now on; gives up regions with nothing else.
  void release_cut();
  const chunk_view& now() const { return *view_; }
  /// Regions in memory that are full, ascending: they may move to files.
  std::vector<chunk_region_ptr> full_regions() const;
  /// The region is read from `file` from now on; false if it was given up.
  bool move_to(chunk_position begin, std::unique_ptr<chunk_file> file);
  /// Everything, to be restored in another process; no cut may be under way.
  saved_chunks save() const;
  /// Before anything else. Regions in files must have them.
  void restore(saved_chunks from);
  /// Begins of regions with files that were given up since the last call.
  std::vector<chunk_position> take_given_up() { return std::exchange(given_up_, {}); }

  // --- any thread ---
  chunk_view_ptr view() const;
  /// In memory, and in files.
  size_t memory_bytes() const;
  size_t file_bytes() const;

 private:
  struct content {
    uint32_t cut = 0;  ///< highest
    timestamp_ms max_ts = min_time;
  };
  void publish(chunk_view next);

  const size_t min_region_;
  chunk_position next_ = 1;
  std::vector<content> contents_;       ///< by region
  std::shared_ptr<chunk_region> last_;  ///< null before the first
  std::vector<chunk_position> given_up_;
  mutable std::mutex mutex_;
  chunk_view_ptr view_;  ///< changed by the writer under mutex_
};

template <class F>
status chunk_view::for_each(chunk_position newest, F&& visit) const {
  stored_chunk c;
  for (chunk_position p = newest; p != 0; p = c.previous) {
    const chunk_region* r = region_of(p);
    if (r == nullptr)
      break;
    if (!parse_chunk(r->bytes(), r->begin, p, c))
      return damaged_at(p);
    if (!is_released(c))
      visit(std::as_const(c));
  }
  return {};
}

}  // namespace troupe::storage
