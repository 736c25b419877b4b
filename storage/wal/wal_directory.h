// The folder <root>/wal: names of its files, this start's epoch, holds, and which files may go. One
// per node, shared by the shards' writers, readers and checkpoints. Thread-safe (one mutex;
// storage/docs/locking.md).
//
// Every start of the node is a run with its own epoch; every shard of a run writes segments of its
// own:
//   <epoch>-<shard>of<shards>-<number>.wal|series|checkpoint
// Streams belong to slots, not to shards: after a start with another shard count each shard reads
// the files of all earlier runs that may hold its slots and skips the frames of other slots.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/base/stats.h"
#include "storage/model/slot.h"
#include "storage/options.h"
#include "storage/wal/segment_header.h"
#include "storage/wal/wal_batch.h"
#include "storage/wal/wal_file_name.h"

#include <bitset>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

struct wal_settings {
  file_system* fs = nullptr;
  const clock* clk = nullptr;
  registry* metrics = nullptr;  ///< may be null
  uint64_t seed = 0;            ///< for the frames' salt
  std::string root = "data";    ///< the log lives in <root>/wal, damaged bytes in <root>/quarantine
  uint32_t shards = 1;          ///< 1..256
  uint64_t segment_bytes = 64ULL << 20;
  uint32_t key_frame_interval = 64;
  bool compression = true;
  options::sync_mode sync = options::sync_mode::always;
  int64_t sync_interval_ms = 100;
  uint64_t quarantine_bytes = 256ULL << 20;  ///< bound on copies of damaged ranges

  static wal_settings from(const options& opts);
};

/// The committed end of one shard's live log: readers in other threads see nothing beyond it.
class wal_commit_board {
 public:
  wal_position committed() const;
  void publish(const wal_position& position);

 private:
  mutable std::mutex mutex_;
  wal_position position_;
};

/// Keeps superseded files for a slow reader, up to a limit.
struct wal_hold {
  std::string name;
  uint16_t shard = 0;  ///< of the current or an earlier run
  wal_position
      position;  ///< files of that epoch's shard from this segment on, and all of later epochs
  uint64_t limit_bytes = 0;  ///< above it the oldest files go first and `broken` is set
  bool broken = false;
};

class wal_directory {
 public:
  /// Creates <root>/wal if missing and takes the next epoch: max(last epoch + 1, unix seconds),
  /// durable before it returns, so that (epoch, sequence) never recurs.
  static result<std::unique_ptr<wal_directory>> open(wal_settings settings);

  const wal_settings& settings() const { return settings_; }
  uint64_t epoch() const { return epoch_; }
  const std::string& path() const { return path_; }
  std::string path_of(const wal_file_name& name) const;

  /// The commit board of a shard of this run.
  wal_commit_board& board(uint32_t shard) { return *boards_[shard]; }
  wal_file_name name(uint32_t shard, uint32_t number, wal_file_kind kind) const;

  struct listing {
    std::vector<wal_file_name> files;  ///< by epoch, shard, number, kind
    std::vector<std::string> foreign;  ///< not ours
  };
  /// Everything in the folder now.
  result<listing> list() const;

  /// Which files a reader of `slots` needs, oldest first: of each run the newest checkpoint, then
  /// series and segments from its number on. `skip` are the slots of that file which a later
  /// checkpoint has taken over.
  struct planned_file {
    wal_file_name name;  ///< what its header says, else what the file is called
    std::string path;
    uint64_t length = 0;  ///< its valid part
    bool last = false;    ///< of its run and kind: may end in a torn frame
    std::bitset<slot_count> skip;
  };
  struct plan {
    std::vector<planned_file> files;
    std::vector<wal_file_name> missing;  ///< numbers absent between two segments
    std::vector<std::string> foreign;
    std::vector<std::string> duplicates;  ///< a second file that claims to be the same one
  };
  /// Epochs from `end_epoch` on are left out. `raw`: the segments that still exist, no checkpoints.
  result<plan> plan_reading(const std::bitset<slot_count>& slots, uint64_t end_epoch,
                            bool raw = false) const;

  /// The header of a file; corruption if it is damaged.
  result<segment_header> read_header(const std::string& path) const;
  /// Length of a segment's valid part: its size, unless the next segment's header knows better.
  uint64_t valid_length(const wal_file_name& name) const;

  /// Removes files that checkpoints supersede and no hold keeps, oldest first. Returns bytes freed.
  result<uint64_t> collect();

  /// Sets or moves a hold; durable when its segment changes. A name is one reader of one shard.
  status set_hold(const wal_hold& hold);
  status release_hold(const std::string& name);
  std::vector<wal_hold> holds() const;

  /// Copies damaged bytes to <root>/quarantine (bounded, idempotent). Failures are only logged.
  void quarantine(const std::string& file, uint64_t offset, std::string_view bytes,
                  std::string_view reason);

 private:
  explicit wal_directory(wal_settings settings);
  status take_epoch();
  void settle_old_runs();
  void load_holds();
  std::vector<wal_file_name> superseded(const std::vector<wal_file_name>& files) const;
  void apply_holds(std::vector<wal_file_name>& doomed);
  void drop_unused_series(const std::vector<wal_file_name>& files,
                          std::vector<wal_file_name>& doomed) const;
  status store_holds();

  wal_settings settings_;
  std::string path_;
  uint64_t epoch_ = 0;
  std::vector<std::unique_ptr<wal_commit_board>> boards_;
  mutable std::mutex mutex_;
  std::map<std::string, wal_hold> holds_;
  uint64_t quarantined_bytes_ = 0;
};

}  // namespace troupe::storage
