// Follows chosen streams of one shard's live log from a sequence number on: remote-write cursors,
// replication, Kafka. Sees committed frames only. One owner; any thread.
#pragma once

#include "storage/base/result.h"
#include "storage/wal/wal_batch.h"
#include "storage/wal/wal_directory.h"
#include "storage/wal/wal_reader.h"
#include "storage/wal/wal_report.h"

#include <cstdint>
#include <memory>
#include <string>

namespace troupe::storage {

class wal_tailer {
 public:
  /// Where to start: batches of `stream` with this epoch and a sequence >= `sequence`. A tailer
  /// reads all streams of the shard if `stream` is every_stream: then `sequence` is ignored and it
  /// starts at `segment` of `epoch` (of all shards of that run).
  static constexpr uint16_t every_stream = 0xffff;
  struct start {
    uint64_t epoch = 0;  ///< 0: the oldest one there is
    uint16_t stream = every_stream;
    uint64_t sequence = 0;
    uint32_t segment = 0;
  };

  /// Reads what earlier runs hold of the streams, too, if `from` reaches back that far. With
  /// a name the files it still needs are held back, up to `hold_limit_bytes`.
  static result<std::unique_ptr<wal_tailer>> open(wal_directory& dir, uint32_t shard, start from,
                                                  std::string hold_name = {},
                                                  uint64_t hold_limit_bytes = 0);
  ~wal_tailer();

  /// As wal_reader::step. True: nothing more is committed.
  result<bool> step(wal_sink& sink, size_t budget_bytes);
  const wal_report& report() const { return reader_->report(); }
  /// Of the last frame of that stream that was read, in the epoch being read; 0: none.
  uint64_t last_sequence(uint16_t stream) const { return reader_->last_sequence(stream); }
  /// Where it reads.
  wal_position position() const;
  /// The file that it reads or read last.
  wal_file_name file() const { return reader_->file(); }

 private:
  wal_tailer(wal_directory& dir, start from, std::string hold_name, uint64_t hold_limit_bytes);
  wal_position locate(uint16_t stream) const;
  status move_hold();

  wal_directory& dir_;
  start from_;
  std::string hold_name_;
  uint64_t hold_limit_bytes_;
  wal_file_name held_;
  std::unique_ptr<wal_reader> reader_;
};

}  // namespace troupe::storage
