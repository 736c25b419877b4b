// What of the log was read and is not in the topic yet, per stream (slot) and in order: so a
// stream's place is exact, however many records carry what is before it. One owner.
#pragma once

#include "pipeline/send/cursor.h"
#include "storage/log_door.h"
#include "storage/model/sample.h"

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

namespace troupe::topics {

class stream_places {
 public:
  /// `next`: everything before is done.
  explicit stream_places(const send::places& next) : next_(next) {}

  /// A part of a batch that was read from `segment`; of a frame of time `ts`. Its number in the
  /// stream.
  uint64_t add(uint16_t slot, const storage::log_segment& segment, timestamp_ms ts);
  /// The batch ends, and with it what was added: the stream goes on at `after`.
  void end_batch(uint16_t slot, const send::place& after);
  /// The part is done with.
  void done(uint16_t slot, uint64_t number);

  const send::places& next() const { return next_; }
  /// Places that moved since the last call, as steps of the first stretch.
  std::vector<send::advance> take_moved();
  /// The oldest segment with something that is not done, of the streams of a shard; `reading` if
  /// there is none.
  storage::log_segment oldest(uint32_t shard, uint32_t shards,
                              const storage::log_segment& reading) const;
  /// The oldest frame that is not done; max_time: all is.
  timestamp_ms oldest_ts() const;
  bool empty() const { return count_ == 0; }
  uint64_t memory_bytes() const { return count_ * sizeof(part); }

 private:
  struct part {
    send::place after;
    storage::log_segment segment;
    timestamp_ms ts = 0;
    bool done = false;
  };
  struct stream {
    uint64_t first = 0;  ///< number of the first of `parts`
    std::deque<part> parts;
    bool moved = false;
  };

  send::places next_;
  std::array<stream, slot_count> streams_;
  uint64_t count_ = 0;
};

}  // namespace troupe::topics
