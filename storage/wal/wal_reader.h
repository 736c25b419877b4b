// Replays the log for a set of slots, a bounded amount of work per call, whatever is damaged: only
// the damaged frame is lost (storage/docs/wal_format.md, "Recovery"). One owner, one thread; it may
// be another one than the writer's.
#pragma once

#include "storage/base/result.h"
#include "storage/model/slot.h"
#include "storage/wal/wal_batch.h"
#include "storage/wal/wal_directory.h"
#include "storage/wal/wal_report.h"

#include <bitset>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

class stream_decoder;
class segment_scanner;

class wal_reader {
 public:
  struct progress {
    uint32_t files = 0;  ///< planned
    uint32_t files_done = 0;
    uint64_t bytes = 0;  ///< planned
    uint64_t bytes_done = 0;
  };

  /// Replay at start: everything earlier runs left for the shard's slots, then this run's frames up
  /// to the committed end. The shard's writer may be appending already.
  static result<std::unique_ptr<wal_reader>> open_replay(wal_directory& dir, uint32_t shard);
  /// For a checkpoint: the same, but of this run only the segments below `end_segment`.
  static result<std::unique_ptr<wal_reader>> open_until(wal_directory& dir, uint32_t shard,
                                                        uint32_t end_segment);
  ~wal_reader();

  /// Reads up to about `budget_bytes` and hands batches to `sink`. True: caught up with the
  /// committed end (for a replay it may be called again after more commits). Fails only with what
  /// the sink returned.
  result<bool> step(wal_sink& sink, size_t budget_bytes);

  const std::vector<wal_series>& dictionary() const;
  const wal_report& report() const;
  progress current() const { return progress_; }

 private:
  wal_reader(wal_directory& dir, uint32_t shard);
  status open_plan(uint32_t end_segment, bool live);
  bool next_file(wal_sink& sink, status& failed);
  void finish_run(wal_sink& sink, status& failed);
  uint64_t live_limit() const;

  wal_directory& dir_;
  uint32_t shard_;
  bool live_ = false;
  std::bitset<slot_count> slots_;
  std::vector<wal_directory::planned_file> files_;
  size_t next_ = 0;
  uint32_t live_segment_ = 1;
  std::unique_ptr<segment_scanner> scanner_;
  std::unique_ptr<stream_decoder> decoder_;
  wal_report report_;
  progress progress_;
};

}  // namespace troupe::storage
