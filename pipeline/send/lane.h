// Reads one stretch of the log for a destination: entries that are to be sent, per stream and in
// order. What is handed out of a stream is acknowledged before more of it is handed out, so that
// the stream's place is exact and its samples arrive in order. One owner; times are passed in.
#pragma once

#include "pipeline/send/cursor.h"
#include "pipeline/send/entry.h"
#include "pipeline/send/series_filter.h"

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

namespace troupe::send {

struct lane_options {
  bool histograms = false, exemplars = false;
  bool custom_buckets = false;  ///< histograms of custom buckets can be sent
  int64_t age_limit_ms = 0;     ///< 0: samples of any age
};

/// What a lane left out, or had to give up.
struct lane_drops {
  entry_counts relabelled;      ///< by selectors and write_relabel_configs
  entry_counts too_old;         ///< by sample_age_limit
  entry_counts custom_buckets;  ///< that this protocol has no form for
  entry_counts for_room;        ///< the log that waits reached its bound
  uint64_t damaged = 0;         ///< samples lost by damage of the log
  uint64_t missing = 0;         ///< segments that were gone, with what was still to be read in them
};

/// Entries of one stream, to be sent in one request.
struct portion {
  uint16_t slot = 0;
  std::vector<entry> entries;
  size_t taken = 0;  ///< entries at first
  size_t bytes = 0;  ///< at first
  place after;
  storage::log_segment segment;  ///< of the oldest
  timestamp_ms ts = 0;           ///< of the oldest one's frame
};

class lane {
 public:
  lane(storage::log_door& log, stretch from, series_rules_ptr rules, lane_options options);
  ~lane();

  /// Where the log ends now, and how reading from there begins. Reads what the segments in work
  /// hold.
  static result<stretch> begin_at_end(storage::log_door& log);
  /// Everything that this run has written.
  static stretch begin_of_run(const storage::log_door& log);
  /// Everything there is.
  static stretch begin_of_log(const storage::log_door& log);

  /// Reads until `most` entries wait, the log is at its end, or `budget_bytes` are read. True:
  /// there may be more.
  result<bool> read(size_t most, size_t budget_bytes, timestamp_ms now_ms, int64_t now_ns);
  /// Ready entries, whole streams in turn, at most `most`; they are under way then.
  std::vector<portion> take(size_t most);
  /// What take() gave is done with.
  void settle(const portion& p);
  /// Of entries that can be taken: how many, and when the oldest was read (INT64_MAX: none).
  size_t ready() const { return ready_; }
  int64_t oldest_ready_ns() const;
  /// Entries that wait, those under way included.
  size_t waiting() const { return ready_ + blocked_ + under_way_; }
  /// About what these take of memory.
  size_t bytes() const { return bytes_; }

  /// Gives up what lies before `horizon` in the log of a shard, unless it is under way.
  void drop_before(uint32_t shard, const storage::log_segment& horizon);
  /// So must what is under way, too, if its request fails.
  bool is_dropped(const portion& p) const;
  void count_dropped(const std::vector<entry>& entries);

  /// Descriptions of families that were read, since the last call.
  std::vector<metadata_entry> take_described() { return std::exchange(described_, {}); }
  /// Places that moved without anything being sent, since the last call.
  std::vector<uint16_t> take_moved();
  /// With the places of the moment.
  const stretch& at();
  const place& next(uint16_t slot) const { return stretch_.next[slot]; }
  const lane_options& options() const { return options_; }
  /// It ends where `next` begins; nothing behind was read yet.
  void end_at(const stretch& next) {
    stretch_.end = next.next;
    stretch_.end_from = next.from;
  }
  bool ended() const { return stretch_.end.has_value(); }
  timestamp_ms highest_read() const { return highest_read_; }
  /// All of a stretch with an end is done.
  bool finished() const;
  /// The log was read to its end and nothing waits.
  bool caught_up() const { return at_end_ && waiting() == 0; }
  /// The time of the newest frame that was read; min_time: none was.
  timestamp_ms newest_ts() const { return newest_ts_; }
  /// The oldest segment with something that is not done.
  storage::log_segment oldest(uint32_t shard) const;
  /// The oldest frame that is not done; max_time: none is known.
  timestamp_ms oldest_ts() const;
  const lane_drops& drops() const { return drops_; }

 private:
  class sink;
  struct reader {
    std::unique_ptr<storage::log_tail> tail;
    series_filter filter;
    storage::log_segment start;
    storage::log_segment horizon;  ///< what lies before is given up
    bool at_end = false;
    uint64_t lost = 0;     ///< samples
    uint64_t missing = 0;  ///< segments
  };
  struct stream {
    place read;  ///< up to here
    std::deque<chunk> waiting;
    bool under_way = false;
    storage::log_segment under_way_from;
    timestamp_ms under_way_ts = 0;
  };

  status open(uint32_t shard);
  storage::log_segment reading(const reader& r) const;
  bool behind_end(uint32_t shard) const;
  void take_batch(reader& r, const storage::wal_batch& batch);
  std::vector<entry> entries_of(reader& r, const storage::wal_batch& batch, uint32_t skip);
  void keep(reader& r, const storage::wal_batch& batch, std::vector<entry> entries);
  void set_next(uint16_t slot, const place& to);
  void drop_front(uint16_t slot);
  uint32_t shard_of(uint16_t slot) const { return slot % static_cast<uint32_t>(readers_.size()); }
  bool too_old(timestamp_ms ts) const {
    return options_.age_limit_ms > 0 && now_ms_ - ts > options_.age_limit_ms;
  }

  storage::log_door& log_;
  stretch stretch_;
  const series_rules_ptr rules_;
  const lane_options options_;
  std::vector<reader> readers_;  ///< by shard
  std::array<stream, slot_count> streams_;
  std::vector<uint16_t> moved_;
  std::vector<metadata_entry> described_;
  size_t ready_ = 0;    ///< entries of streams of which nothing is under way
  size_t blocked_ = 0;  ///< of the others
  size_t under_way_ = 0;
  size_t bytes_ = 0;          ///< of all of them
  uint16_t next_stream_ = 0;  ///< whose turn it is
  uint32_t next_reader_ = 0;
  bool at_end_ = false;
  timestamp_ms now_ms_ = 0;
  int64_t now_ns_ = 0;
  timestamp_ms highest_read_ = min_time;
  timestamp_ms newest_ts_ = min_time;
  lane_drops drops_;
};

}  // namespace troupe::send
