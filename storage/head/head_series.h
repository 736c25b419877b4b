// One series of the head: its samples as sealed chunks, one open chunk and a small buffer of late
// samples. Insertions by the shard's writer, everything else from any thread: each call holds the
// series' own spin lock for at most the work on one chunk. Owned (shared) by the head.
//
// Invariants: no chunk crosses a multiple of the block range; of all places that may hold a sample
// of one timestamp (sealed, chunks, open, late), the winner of the order of conflicts is what a
// reader gets, and `late` holds a second value for a timestamp only if that value wins.
#pragma once

#include "storage/head/head_chunk.h"
#include "storage/head/spin_lock.h"
#include "storage/model/labels.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <set>

namespace troupe::storage {

/// What became of one sample.
enum class insert_result : uint8_t { stored, stored_out_of_order, duplicate, conflict };

/// A reader's copy of what a series holds in a time range. Reusable, one owner.
struct series_snapshot {
  head_chunks sealed, chunks;
  sample_columns open, late;

  void clear();
  /// Decodes and merges; appends the samples in [mint, maxt] to `out`.
  void read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) const;
};

class head_series {
 public:
  /// `range_ms` is the block range that chunks never cross.
  head_series(labels lset, uint16_t slot, uint32_t ref, int64_t range_ms)
      : lset_(std::move(lset)), range_ms_(range_ms), ref_(ref), slot_(slot) {}
  head_series(const head_series&) = delete;
  head_series& operator=(const head_series&) = delete;

  const labels& lset() const { return lset_; }
  uint16_t slot() const { return slot_; }
  /// Of the tenant's index in this head.
  uint32_t ref() const { return ref_; }

  insert_result insert(timestamp_ms ts, double value, timestamp_ms start_ts);
  insert_result insert(sample_columns::histogram_row row);

  /// What lies in [mint, maxt], replacing `out`; nothing of it changes afterwards.
  void snapshot(timestamp_ms mint, timestamp_ms maxt, series_snapshot& out) const;
  /// The same of the sealed part only.
  void snapshot_sealed(timestamp_ms mint, timestamp_ms maxt, series_snapshot& out) const;
  /// May hold samples in [mint, maxt] (a chunk's range counts as full).
  bool overlaps(timestamp_ms mint, timestamp_ms maxt) const;
  /// First and last timestamp; nothing if there are no samples.
  std::optional<std::pair<timestamp_ms, timestamp_ms>> time_range() const;
  uint32_t chunk_count() const;

  /// Removes the samples in [mint, maxt].
  void erase(timestamp_ms mint, timestamp_ms maxt);
  /// Sets everything before `bound` (a multiple of the range) aside for a block; the starts of the
  /// ranges it lies in are added to `ranges`. Readers see no difference.
  void seal(timestamp_ms bound, std::set<timestamp_ms>& ranges);
  /// Drops what seal() has set aside.
  void release_sealed();
  /// Starts of the ranges with samples.
  void add_ranges(std::set<timestamp_ms>& ranges) const;

 private:
  struct found {
    double value = 0;
    timestamp_ms start_ts = 0;
    histogram_ptr hist;
  };

  bool find(timestamp_ms ts, found& out) const;
  insert_result insert_late(timestamp_ms ts, double value, timestamp_ms start_ts);
  insert_result insert_late(sample_columns::histogram_row row);
  void roll(timestamp_ms ts);
  void close_open();
  void fold_late();
  bool replace_open(timestamp_ms ts, double value, timestamp_ms start_ts);
  void put_late(timestamp_ms ts, double value, timestamp_ms start_ts);
  void put_late(sample_columns::histogram_row row);
  sample_columns& late();

  // What an insertion touches comes first and together.
  mutable spin_lock lock_;
  // All but the constants are guarded by lock_.
  timestamp_ms last_ts_ = min_time;   // of everything ever inserted
  timestamp_ms open_end_ = min_time;  // end of the range that the open chunk lies in
  sample_columns open_;
  head_chunks chunks_;
  head_chunks sealed_;
  std::unique_ptr<sample_columns> late_;
  const labels lset_;
  const int64_t range_ms_;
  const uint32_t ref_;
  const uint16_t slot_;
};
using series_ptr = std::shared_ptr<head_series>;

}  // namespace troupe::storage
