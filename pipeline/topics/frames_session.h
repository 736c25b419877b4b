// A session whose records are troupe's own (record.h): batches of the log as they are, each stream
// to the partition of its slot. One owner.
#pragma once

#include "pipeline/aggregate/log_follower.h"
#include "pipeline/topics/partition_stream.h"
#include "pipeline/topics/series_book.h"
#include "pipeline/topics/session.h"
#include "pipeline/topics/stream_places.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace troupe::topics {

class frames_session final : public session {
 public:
  frames_session(const session_parts& parts, const session_options& options, send::stretch from);
  ~frames_session() override;

  result<bool> step(int slices, const moment& now) override;
  status on_delivery(const kafka::delivery& d) override;
  void stop() override { stopping_ = true; }
  bool is_spoilt() const override { return spoilt_; }
  size_t under_way() const override;
  bool is_idle() const override;

  const send::stretch& at() override;
  std::vector<send::advance> take_moved() override;
  timestamp_ms oldest_ts() const override { return places_.oldest_ts(); }
  bool caught_up() const override { return at_end_ && places_.empty(); }
  uint64_t memory_bytes() const override;

 private:
  class splitter;

  void begin_segments(const moment& now);
  void describe_families(uint32_t partition);
  status pump(const moment& now);
  status read(const moment& now);
  void note_as_of(const moment& now);
  bool is_blocked() const;
  void count_memory(const moment& now);

  const session_parts parts_;
  const session_options options_;
  stream_places places_;
  aggregate::log_follower follower_;
  series_book book_;
  std::vector<std::unique_ptr<partition_stream>> partitions_;
  send::stretch at_;
  std::vector<storage::log_segment> reading_;  ///< by shard, when the present reading began
  std::vector<timestamp_ms> newest_;           ///< by shard, of the frames that were read
  timestamp_ms as_of_ = min_time;
  uint64_t damaged_ = 0;
  uint64_t writers_memory_ = 0;  ///< as of the last count
  int64_t next_count_ns_ = 0;
  bool at_end_ = false, stopping_ = false, spoilt_ = false;
};

}  // namespace troupe::topics
