// Hands out the records of one partition from the first that a window needs on, up to the end that
// the partition had at the begin. Finds that record by its time, and reads earlier ones again where
// a reader has to learn what later ones refer to. Never blocks; one owner.
#pragma once

#include "pipeline/kafka/cluster.h"
#include "pipeline/replay/time_search.h"
#include "storage/base/result.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace troupe::replay {

/// Times of records that are needed: from the first at or behind `begin` on. Those at or behind
/// `end` are expected to be of no interest; whether they are is the owner's to say.
struct feed_bounds {
  timestamp_ms begin = min_time, end = max_time;
};

class partition_feed {
 public:
  /// `learn` gets the records that are read again.
  partition_feed(kafka::consumer& from, uint32_t partition, const feed_bounds& bounds,
                 size_t queue_bytes, std::function<void(const kafka::fetched_record&)> learn);

  /// With the offsets that there are. `resumed`: those before are not needed. invalid_argument if
  /// the partition ends before.
  status begin(const kafka::offset_range& there, std::optional<int64_t> resumed);
  /// Before what a poll gave is handed in: what was fetched for an earlier place is known by it.
  void enter_poll() { stale_ = false; }
  status take(kafka::fetched_record r);
  /// invalid_argument if the partition has lost its end.
  status take(const kafka::stopped_partition& s);
  /// Nothing comes, though the cluster is there.
  status give_up();

  /// A record can be looked at.
  bool is_ready() const { return phase_ == phase::reading && !queue_.empty(); }
  /// No more records come.
  bool has_ended() const;
  const kafka::fetched_record& front() const { return queue_.front(); }
  void pop();
  /// Hands the records from `offset` up to front() to `learn`, then goes on.
  status learn_from(int64_t offset);
  /// The rest is not needed.
  void finish();

  uint32_t partition() const { return partition_; }
  bool has_begun() const { return phase_ != phase::searching_begin && !searching_end(); }
  /// Where the next record that was not taken is, or would be.
  int64_t position() const { return queue_.empty() ? next_ : queue_.front().offset; }
  int64_t oldest() const { return there_.first; }
  uint64_t done_records() const;
  uint64_t expected_records() const;
  uint64_t gaps() const { return gaps_; }
  /// False: it was given up before its end.
  bool is_whole() const { return whole_; }
  /// What a person should know, in words.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  enum class phase : uint8_t { searching_begin, searching_end, reading, learning, ended };

  bool searching_end() const { return phase_ == phase::searching_end; }
  status start(int64_t offset);
  status search_on();
  status found_begin();
  status read_on();
  void keep(kafka::fetched_record r);
  void note_gap(std::string what);
  void skip_to(int64_t first);

  kafka::consumer& from_;
  const uint32_t partition_;
  const feed_bounds bounds_;
  const size_t queue_most_;
  const std::function<void(const kafka::fetched_record&)> learn_;
  phase phase_ = phase::searching_begin;
  kafka::offset_range there_;
  time_search search_;
  bool resumed_ = false;
  bool stale_ = false;  ///< what this poll still has is of another place
  bool paused_ = false, whole_ = true;
  int64_t first_ = 0;         ///< where it begins
  int64_t next_ = 0;          ///< the next record to be fetched
  int64_t expected_end_ = 0;  ///< where the window ends, by time
  std::deque<kafka::fetched_record> queue_;
  size_t queue_size_ = 0;  ///< bytes
  uint64_t gaps_ = 0;
  std::vector<std::string> notes_;
};

}  // namespace troupe::replay
