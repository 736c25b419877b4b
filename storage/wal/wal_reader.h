// Replays the log for a set of slots, a bounded amount of work per call, whatever is damaged: only
// the damaged frame is lost (storage/docs/wal_format.md, "Recovery"). One owner, one thread; it may
// be another one than the writer's.
#pragma once

#include "storage/base/result.h"
#include "storage/model/slot.h"
#include "storage/wal/resume_point.h"
#include "storage/wal/wal_batch.h"
#include "storage/wal/wal_directory.h"
#include "storage/wal/wal_report.h"

#include <bitset>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::storage {

class stream_decoder;
class segment_scanner;

class wal_reader {
 public:
  struct progress {
    uint32_t files = 0;  ///< known so far
    uint32_t files_done = 0;
    uint64_t bytes = 0;
    uint64_t bytes_done = 0;
  };

  /// Replay at start: everything earlier runs left for the shard's slots, then this run's frames up
  /// to the committed end. The shard's writer may be appending already.
  static result<std::unique_ptr<wal_reader>> open_replay(wal_directory& dir, uint32_t shard);
  /// The same from `from` on, where the references are to be restored before the first step.
  /// not_found: the log does not go on from there.
  static result<std::unique_ptr<wal_reader>> open_replay_from(wal_directory& dir, uint32_t shard,
                                                              const wal_resume_point& from);
  /// What references at the resume point stand for: the number of the first of the series.
  uint32_t restore(const wal_references& from);
  /// For a checkpoint: the same, but of this run only the segments below `end_segment`.
  static result<std::unique_ptr<wal_reader>> open_until(wal_directory& dir, uint32_t shard,
                                                        uint32_t end_segment);
  /// For a tailer: of these slots all segments that exist from `from` on, then this run's, followed
  /// for ever. Series numbers hold during apply only.
  static result<std::unique_ptr<wal_reader>> open_tail(wal_directory& dir, uint32_t shard,
                                                       const std::bitset<slot_count>& slots,
                                                       const wal_position& from);
  ~wal_reader();

  /// Reads up to about `budget_bytes` and hands batches to `sink`. True: caught up with the
  /// committed end; it may be called again after more commits. Fails only with what the sink
  /// returned.
  result<bool> step(wal_sink& sink, size_t budget_bytes);

  /// All series so far, by number.
  const std::vector<wal_series>& dictionary() const;
  const wal_report& report() const { return report_; }
  progress current() const { return progress_; }
  /// The file being read or read last, and where.
  wal_file_name file() const { return file_; }
  uint64_t offset() const;
  /// Of the last frame of that stream that was read, in the epoch being read; 0: none.
  uint64_t last_sequence(uint16_t stream) const;

 private:
  wal_reader(wal_directory& dir, uint32_t shard, const std::bitset<slot_count>& slots);
  void report_plan(const wal_directory::plan& plan);
  bool open_next(wal_sink& sink, status& failed);
  bool open_live(wal_sink& sink, status& failed);
  bool open_file(const std::string& path, uint64_t length, bool may_be_torn);
  bool extend_live();
  void skip_known_series();
  status take_frame(uint64_t offset, wal_sink& sink);
  void take_damage();
  void close_file();

  wal_directory& dir_;
  uint32_t shard_;
  wal_resume_point from_;
  bool live_ = false;  // follows this run's segments behind the plan
  bool tail_ = false;
  wal_report report_;
  std::unique_ptr<stream_decoder> decoder_;
  std::unique_ptr<segment_scanner> scanner_;
  std::vector<wal_directory::planned_file> files_;
  size_t next_ = 0;
  uint32_t live_segment_ = 0;  // the next one to open
  uint32_t series_number_ = 0;
  wal_file_name file_;
  bool in_live_ = false;
  bool run_open_ = false;
  progress progress_;
};

}  // namespace troupe::storage
