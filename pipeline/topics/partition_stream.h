// One partition in a session of frames: parts of batches in, records out, in order. Several may be
// under way, but behind the first one of a segment they wait for its offset, and behind one that is
// larger than any before for the topic to take it: what comes later refers to it. One owner.
#pragma once

#include "pipeline/topics/record_writer.h"
#include "pipeline/topics/session.h"
#include "pipeline/topics/stream_places.h"
#include "storage/model/batch.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace troupe::topics {

/// What of a batch of the log goes into one partition.
struct batch_part {
  write_batch batch;
  entry_range entries;
  uint64_t number = 0;  ///< in stream_places
  bool of_log = true;   ///< else it is told once more: `entries` and `number` mean nothing
  bool alone = false;   ///< its record holds nothing else
};

class partition_stream {
 public:
  partition_stream(const session_parts& parts, const session_options& options, uint32_t partition,
                   stream_places& of);

  void add(batch_part part) { waiting_.push_back(std::move(part)); }
  /// Makes records of what waits and hands over those that are due; `all`: whatever there is.
  status pump(timestamp_ms as_of, bool all, const moment& now);
  /// A segment has begun if one is due and nothing is in its way; its series are described anew.
  bool begin_segment(const moment& now);
  status on_delivery(const kafka::delivery& d);

  /// More of it would only wait.
  bool is_blocked() const { return !waiting_.empty() || unsent_.has_value(); }
  bool is_idle() const { return !is_blocked() && open_parts_ == 0 && sent_.empty(); }
  size_t under_way() const { return sent_.size(); }
  /// A record was refused as too large: later ones may refer to what it described, so nothing of
  /// this session counts any more.
  bool is_spoilt() const { return spoilt_; }
  uint64_t writer_memory_bytes() const { return writer_.memory_bytes(); }
  /// What waits, and the record that is being made.
  uint64_t waiting_bytes() const;

 private:
  struct carried {
    entry_range entries;
    uint64_t number = 0;
  };
  struct made_record {
    uint64_t token = 0;
    std::string payload;  ///< until it is handed over
    size_t bytes = 0;
    uint64_t samples = 0;
    bool is_key = false;
    std::vector<carried> holds;
  };

  bool segment_due(const moment& now) const;
  /// Nothing is under way that has to be in the topic first.
  bool may_end_record() const {
    return trial_token_ == 0 && (writer_.at_segment_start() || key_offset_ >= 0);
  }
  bool record_due(bool all, const moment& now) const;
  status add_front(const moment& now);
  status end_record(timestamp_ms as_of, const moment& now);
  status hand_over(const moment& now);
  /// They are done.
  void pass(const std::vector<carried>& all);
  void take_refusal(const made_record& r);

  const session_parts parts_;
  const session_options options_;
  const uint32_t partition_;
  stream_places& of_;
  record_writer writer_;
  std::deque<batch_part> waiting_;
  std::vector<carried> open_;  ///< what the record that is being made holds of the log
  size_t open_parts_ = 0;      ///< all that it holds
  bool open_alone_ = false;
  int64_t opened_ns_ = 0;
  std::optional<made_record> unsent_;  ///< the producer's queue was full
  std::deque<made_record> sent_;
  uint64_t next_token_ = 1;
  uint64_t trial_token_ = 0;       ///< of a record larger than any before; 0: none is under way
  int64_t key_offset_ = -1;        ///< of the segment's first record, once it is known
  timestamp_ms as_of_ = min_time;  ///< of the last record
  timestamp_ms segment_began_ms_ = 0;
  int64_t last_record_ns_ = 0;
  int64_t last_offset_ = -1;
  bool begun_ = false, spoilt_ = false;
};

}  // namespace troupe::topics
