// Stretches of partitions that one Kafka consumer reads: fetches, reads, hands out what is to be
// stored, one portion at a time, and moves on when that is stored. One owner.
#pragma once

#include "pipeline/ingest/ingester.h"
#include "pipeline/topics/stretch.h"
#include "pipeline/topics/tally.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::topics {

/// To be stored; `token` comes back with what became of the batches.
struct delivery {
  uint64_t token = 0;
  std::vector<batch_ptr> batches;
};

class lane {
 public:
  /// More than a minute behind, a stretch of a lane that `keeps_up` halts (stretch::late).
  lane(std::unique_ptr<kafka::consumer> from, tally& told, uint64_t& next_token, bool keeps_up);

  kafka::consumer& consumer() { return *from_; }
  const std::map<uint32_t, std::unique_ptr<stretch>>& stretches() const { return stretches_; }
  stretch* find(uint32_t partition) const;
  void add(std::unique_ptr<stretch> s);
  /// Null if there is none. Wants nothing to be under way.
  std::unique_ptr<stretch> remove(uint32_t partition);

  /// Goes on. At most `most_bytes` of records, and one, are fetched and not stored.
  std::optional<delivery> step(uint64_t most_bytes, int64_t now_ms, int64_t now_ns);
  /// False if the token is none of its own.
  bool on_stored(uint64_t token, const std::vector<ingest::outcome>& outcomes, int64_t now_ns);

  /// What it handed out has not come back.
  bool is_storing() const { return under_way_ && under_way_->handed_out; }
  /// Something is read and not stored.
  bool has_under_way() const { return under_way_.has_value(); }
  /// There is more to do at once.
  bool is_hungry() const { return !under_way_ && (!queue_.empty() || much_); }
  /// Records that are fetched and not stored.
  uint64_t bytes() const { return queued_bytes_ + (under_way_ ? under_way_->bytes : 0); }
  /// More is stored than at the last call.
  bool take_moved() { return std::exchange(moved_, false); }
  /// A partition that is not what it was.
  struct change {
    std::string why;
    std::optional<int64_t> first;  ///< offset of the first record that there is now, if known
  };
  /// They are halted.
  const std::map<uint32_t, change>& changed() const { return changed_; }

 private:
  struct portion {
    uint64_t token = 0;
    std::vector<batch_ptr> batches;
    /// Whose batches they are, with how many.
    std::vector<std::pair<kafka::fetched_record, size_t>> records;
    std::set<uint32_t> partitions;  ///< those that moved
    uint64_t bytes = 0;
    uint64_t samples = 0;
    uint64_t unreadable = 0;
    bool handed_out = false;
    int64_t again_ns = 0;
  };

  void start_waiting(int64_t now_ms, int64_t now_ns);
  void settle_stopped();
  void settle(stretch& s, const kafka::stopped_partition& at);
  void skip(stretch& s, int64_t to);
  void fetch(uint64_t most_bytes);
  void read(int64_t now_ms);
  void read_one(kafka::fetched_record r, portion& to, int64_t now_ms);
  void act(stretch& s, taken_record taken, kafka::fetched_record r, portion& to);
  void take_batches(taken_record taken, kafka::fetched_record r, portion& to);
  bool is_decided(stretch& s, int64_t now_ms);
  bool is_late(stretch& s, int64_t offset, timestamp_ms ts, int64_t now_ms);
  bool has_queued(uint32_t partition) const;
  void drop_queued(uint32_t partition);
  void halt(stretch& s);
  void note_change(stretch& s, change c);
  void rewind(stretch& s, int64_t offset);
  void finish(const portion& p);
  std::optional<delivery> hand_out();

  std::unique_ptr<kafka::consumer> from_;
  tally& told_;
  uint64_t& next_token_;
  const bool keeps_up_;
  std::map<uint32_t, std::unique_ptr<stretch>> stretches_;
  std::deque<kafka::fetched_record> queue_;
  uint64_t queued_bytes_ = 0;
  std::vector<kafka::stopped_partition> stopped_;
  std::map<uint32_t, change> changed_;
  std::optional<portion> under_way_;
  bool moved_ = false;
  bool much_ = false;  ///< the last fetch brought it
  int64_t pause_ms_ = 0;
  int64_t start_again_ns_ = 0;
};

}  // namespace troupe::topics
