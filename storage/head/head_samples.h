// The samples of all series of one head: the open ones of each series, the timestamps that series
// of a target share, late and other rare ones, and the closed chunks. Owned by the head.
//
// One writer (the shard's, or maintenance under its lock) calls what changes a series; it reads
// without locks and changes what readers see under the series' page lock. Readers from any thread.
//
// Invariants: no chunk crosses a multiple of the block range; of all places that may hold a sample
// of one timestamp (closed, open, late), the winner of the order of conflicts is what a reader
// gets, and late samples repeat a timestamp only if they win.
#pragma once

#include "storage/base/coding.h"
#include "storage/chunk/columns.h"
#include "storage/head/byte_slab.h"
#include "storage/head/chunk_store.h"
#include "storage/head/head_series.h"
#include "storage/head/time_streams.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::storage {

/// What became of one sample.
enum class insert_result : uint8_t { stored, stored_out_of_order, duplicate, conflict };

/// What there is already in the place of a sample: nothing, or another one that loses against it;
/// the same; another one that wins.
enum class held_sample : uint8_t { none, same, winner };

/// A reader's copy of what a series holds in a time range. Reusable, one owner.
struct series_snapshot {
  chunk_view_ptr view;               ///< keeps the chunks alive
  std::vector<stored_chunk> chunks;  ///< by min_ts
  sample_columns open, late;

  void clear();
  /// Decodes and merges; appends the samples in [mint, maxt] to `out`.
  status read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) const;
};

/// What series of a slice of a snapshot share; a new one for each slice.
struct saved_slice {
  std::unordered_map<uint32_t, uint32_t> segments;  ///< numbers in the slice
  chunk_position newest = 0;                        ///< of the series before
};
/// The same at a start; `shared` lasts over all slices.
struct restored_slice {
  std::vector<uint32_t> segments;  ///< by number in the slice
  chunk_position newest = 0;
  std::map<std::pair<uint32_t, timestamp_ms>, uint32_t> shared;  ///< by stream and first row
};

class head_samples {
 public:
  /// `range_ms` is the block range that chunks never cross.
  head_samples(int64_t range_ms, size_t min_region_bytes)
      : range_ms_(range_ms), times_(slab_, range_ms), chunks_(min_region_bytes) {}

  // --- the writer ---
  /// Before the first sample. `target` names the scrape target: its series share timestamps.
  void join(head_series& s, uint64_t target);
  /// Frees what the series holds. It must have no samples.
  void leave(head_series& s);
  /// `guard` may hold a page when called and may hold the series' page afterwards, so that series
  /// of one page are locked once.
  insert_result insert(head_series& s, timestamp_ms ts, double value, timestamp_ms start_ts,
                       page_guard& guard);
  insert_result insert(head_series& s, sample_columns::histogram_row row);
  /// Has the series a sample of that time which this one would not change?
  held_sample holds(const head_series& s, timestamp_ms ts, double value, timestamp_ms start_ts);
  held_sample holds(const head_series& s, const sample_columns::histogram_row& row);
  void prefetch(const head_series& s) const { slab_.prefetch(s.values_.bytes); }
  /// Removes the samples in [mint, maxt].
  void erase(head_series& s, timestamp_ms mint, timestamp_ms maxt);
  /// A cut begins: seal() is to be called for every series, then a block written of what is set
  /// aside, then release_cut(). `bound` is a multiple of the range.
  void begin_cut(timestamp_ms bound) { chunks_.begin_cut(bound); }
  /// Sets everything before the cut's bound aside; the starts of the ranges it lies in are added to
  /// `ranges`. Readers see no difference.
  void seal(head_series& s, std::set<timestamp_ms>& ranges);
  /// Drops what was set aside.
  void release_cut() { chunks_.release_cut(); }
  /// For moving closed chunks to files.
  chunk_store& chunks() { return chunks_; }
  const chunk_store& chunks() const { return chunks_; }
  /// Appends all that the series has outside of closed chunks (storage/docs/head_snapshot.md).
  void save(const head_series& s, saved_slice& slice, std::string& out) const;
  /// The inverse, for a series without samples; closed chunks are there already. False if it is
  /// malformed.
  bool restore(head_series& s, restored_slice& slice, byte_reader& in);

  // --- any thread ---
  /// What lies in [mint, maxt], replacing `out`; nothing of it changes afterwards.
  status snapshot(const head_series& s, timestamp_ms mint, timestamp_ms maxt,
                  series_snapshot& out) const;
  /// The same of what the cut has set aside only.
  status snapshot_set_aside(const head_series& s, timestamp_ms mint, timestamp_ms maxt,
                            series_snapshot& out) const;
  /// May hold samples in [mint, maxt] (a closed chunk's range counts as full).
  bool overlaps(const head_series& s, timestamp_ms mint, timestamp_ms maxt) const;
  /// First and last timestamp; nothing if there are no samples.
  std::optional<std::pair<timestamp_ms, timestamp_ms>> time_range(const head_series& s) const;
  uint32_t chunk_count(const head_series& s) const;
  /// Starts of the ranges with samples.
  void add_ranges(const head_series& s, std::set<timestamp_ms>& ranges) const;

  /// Bytes behind all series, without the series themselves.
  struct memory {
    size_t open = 0, times = 0, extras = 0, chunks = 0, chunk_files = 0;
  };
  memory memory_bytes() const;
  /// Of timestamps that are held; the writer's.
  size_t open_segments() const { return times_.segment_count(); }

 private:
  struct start_run {
    uint8_t row = 0;  ///< of the open chunk: from here on
    timestamp_ms start_ts = no_start_timestamp;
  };
  /// What few series have.
  struct series_extra {
    sample_columns late;
    std::vector<sample_columns::histogram_row> rows;  ///< the open chunk of histograms
    std::vector<start_run> starts;                    ///< of the open floats; empty: none has one
    timestamp_ms last_ts = min_time;                  ///< of everything inserted while it exists
    uint32_t late_chunks = 0;  ///< that may overlap others, since all were last put in order
    /// No closed or open sample lies between the two: late ones that do (a backlog that comes in
    /// order) need not be looked for among those, and their chunks overlap no others.
    timestamp_ms gap_lo = max_time, gap_hi = min_time;
    bool scattered = false;  ///< some of `late` lie elsewhere

    bool in_gap(timestamp_ms ts) const { return gap_lo < ts && ts < gap_hi; }
    bool empty() const { return is_empty(late) && rows.empty() && starts.empty(); }
  };
  struct found {
    double value = 0;
    timestamp_ms start_ts = 0;
    histogram_ptr hist;
  };

  // head_samples.cc: what every sample meets.
  bool follow(head_series& s, timestamp_ms ts, page_guard& guard);
  void start_chunk(head_series& s, timestamp_ms ts, page_guard& guard);
  void push_value(head_series& s, timestamp_ms ts, double value, timestamp_ms start_ts,
                  page_guard& guard);
  timestamp_ms last_open_ts(const head_series& s);
  timestamp_ms last_ts(const head_series& s);
  void close_open(head_series& s);
  void close_rows(head_series& s);
  chunk_position add_whole(const encoded_chunk& c, uint32_t cut, chunk_position previous);
  chunk_position add_shared(const head_series& s, std::span<const timestamp_ms> ts,
                            std::span<const double> values);
  uint32_t cut_of(const head_series& s) const;
  series_extra* extra(const head_series& s) const {
    return s.extra_ == 0 ? nullptr : &extras_[s.extra_];
  }
  series_extra& need_extra(head_series& s);
  void drop_extra(head_series& s);

  // head_samples_late.cc: what is out of order, repeated or erased.
  bool find(const head_series& s, timestamp_ms ts, found& out);
  insert_result insert_late(head_series& s, timestamp_ms ts, double value, timestamp_ms start_ts);
  insert_result insert_late(head_series& s, sample_columns::histogram_row row);
  void enter_gap(const head_series& s, series_extra& x, timestamp_ms ts);
  static void shrink_gap(series_extra& x);
  void put_late(head_series& s, timestamp_ms ts, double value, timestamp_ms start_ts);
  void put_late(head_series& s, sample_columns::histogram_row row);
  void fold_late(head_series& s);
  void put_in_order(head_series& s);
  /// Sees to it that no chunk lies on both sides of the cut's bound.
  void split(head_series& s);
  /// Writes chunks anew from the first `concerned` one on, less the samples in `gone`. If one is
  /// damaged all stay.
  template <class F>
  void rewrite(head_series& s, std::span<const stored_chunk> chunks, const time_intervals& gone,
               const F& concerned);
  chunk_position add_columns(const sample_columns& columns, uint32_t cut, chunk_position previous);
  std::vector<stored_chunk> chunks_of(const head_series& s, status* damage = nullptr) const;

  // head_samples_save.cc
  static void save_extra(const series_extra& x, std::string& out);
  bool restore_open(head_series& s, restored_slice& slice, byte_reader& in);
  bool restore_extra(head_series& s, byte_reader& in);
  bool restore_segment(const head_series& s, restored_slice& slice, byte_reader& in);

  // head_samples_read.cc
  void read_open(const head_series& s, timestamp_ms mint, timestamp_ms maxt,
                 sample_columns& out) const;
  bool open_overlaps(const head_series& s, timestamp_ms mint, timestamp_ms maxt) const;
  static void set_newest(head_series& s, chunk_position p) {
    s.newest_low_ = static_cast<uint32_t>(p);
    s.newest_high_ = static_cast<uint16_t>(p >> 32) & 0x7fff;
  }
  static chunk_position newest(const head_series& s) {
    return uint64_t{s.newest_high_} << 32 | s.newest_low_;
  }

  const int64_t range_ms_;
  byte_slab slab_;
  time_streams times_;
  stable_pool<series_extra, 64> extras_;
  chunk_store chunks_;
};

}  // namespace troupe::storage
