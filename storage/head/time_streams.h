// Timestamps of open samples, once per scrape target: a stream per target, in segments. A series
// whose samples follow the rows of its target's segment stores none; any other one gets a segment
// of its own until its open chunk is closed (storage/docs/head_layout.md). Owned by head_samples;
// one writer. Readers call read() for a segment that a series holds, under that series' page lock.
#pragma once

#include "storage/head/byte_slab.h"
#include "storage/head/open_column.h"
#include "storage/head/spin_lock.h"

#include <array>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::storage {

/// Rows of a segment at most: samples per chunk, as Prometheus.
inline constexpr size_t segment_rows = 120;
/// What a segment spans at most: open bytes of so long are in memory.
inline constexpr int64_t segment_span_ms = 20 * 60 * 1000;

/// Rows are only added. Never crosses a multiple of the block range.
struct time_segment {
  open_times times;
  timestamp_ms end = 0;        ///< rows are before it
  uint64_t column_region = 0;  ///< where in the chunk store its first column_rows rows are encoded
  uint32_t column_offset = 0;
  uint32_t stream = 0;
  uint32_t users = 0;  ///< series
  uint8_t rows = 0;
  uint8_t max_rows = 0;
  uint8_t column_rows = 0;
  bool closed = false;  ///< the stream has gone on to another one
  bool own = false;     ///< of one series
};

/// A segment as a snapshot has it.
struct saved_segment {
  bool closed = false, own = false;
  timestamp_ms end = 0;
  uint8_t max_rows = 0;
  std::vector<timestamp_ms> rows;  ///< increasing, 1 to max_rows
};

class time_streams {
 public:
  explicit time_streams(byte_slab& slab, int64_t range_ms) : slab_(slab), range_ms_(range_ms) {}

  // --- the writer ---
  /// A new series of the target named by `key`: the segment to hold.
  uint32_t join(uint64_t key);
  /// The series is gone; it holds `segment`.
  void leave(uint32_t segment);
  /// The number of the segment that the stream behind `segment` writes now.
  uint32_t current(uint32_t segment) const { return streams_[segments_[segment].stream].current; }
  time_segment& operator[](uint32_t segment) { return segments_[segment]; }
  /// Lets go of one segment and holds another one.
  void move(uint32_t& held, uint32_t to);
  /// A row behind the last one fits.
  bool takes(const time_segment& s, timestamp_ms ts) const {
    return !s.closed && (s.rows == 0 || (s.rows < s.max_rows && ts > s.times.last && ts < s.end));
  }
  /// Adds the row; takes() must hold.
  void add_row(uint32_t segment, timestamp_ms ts);
  /// The stream goes on in a new segment that begins with `ts`; its number.
  uint32_t roll(uint32_t segment, timestamp_ms ts);
  /// A segment for one series, beside its stream, that begins with some rows of another one and
  /// then `ts`. Not held yet.
  uint32_t make_own(uint32_t segment, size_t first_row, size_t rows, timestamp_ms ts);
  /// A segment of the stream behind `segment` as it was saved, not held yet. One that is neither
  /// own nor closed becomes the stream's current one.
  uint32_t restore(uint32_t segment, const saved_segment& from);
  /// The same segment, saved again: adds the rows that it has got since. False if it is another
  /// one.
  bool extend(uint32_t segment, const saved_segment& from);
  uint32_t stream_of(uint32_t segment) const { return segments_[segment].stream; }
  size_t row_count(uint32_t segment) const { return segments_[segment].rows; }
  /// The segment's rows, valid until the next call.
  std::span<const timestamp_ms> rows(uint32_t segment);

  // --- any thread ---
  /// The rows from `first` on.
  void read(uint32_t segment, size_t first, std::span<timestamp_ms> out) const;
  /// What restore() takes.
  saved_segment save(uint32_t segment) const;
  /// First and last timestamp of all rows.
  std::pair<timestamp_ms, timestamp_ms> extent(uint32_t segment) const;

  size_t memory_bytes() const;
  size_t segment_count() const { return segments_.size(); }

 private:
  struct stream {
    uint64_t key = 0;
    uint32_t current = 0;
    uint32_t series = 0;
  };

  void hold(uint32_t segment) { ++segments_[segment].users; }
  void release(uint32_t segment);
  uint32_t create(uint32_t stream);
  void begin(time_segment& s, timestamp_ms ts, bool shortened) const;
  spin_lock& lock_of(uint32_t segment) const { return locks_[segment % locks_.size()]; }

  byte_slab& slab_;
  const int64_t range_ms_;
  stable_pool<time_segment> segments_;
  stable_pool<stream> streams_;
  std::unordered_map<uint64_t, uint32_t> by_key_;
  // Rows are changed by the writer and read by readers under the lock of their segment.
  mutable std::array<spin_lock, 64> locks_;
  // The decoded rows of one segment, the writer's.
  std::array<timestamp_ms, segment_rows> cache_;
  uint32_t cached_ = 0;
  size_t cached_rows_ = 0;
};

}  // namespace troupe::storage
