// One shard's log of this run: batches become frames in a buffer, commit() makes them durable. One
// owner, one thread.
//
// After no_space the uncommitted frames are forgotten, and dictionary and XOR state are what they
// were at the last commit; the log goes on in a new segment as soon as the disk lets it. After
// io_error the writer is broken for good.
#pragma once

#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/model/batch.h"
#include "storage/wal/resume_point.h"
#include "storage/wal/wal_batch.h"
#include "storage/wal/wal_directory.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace troupe::storage {

class frame_encoder;
struct encoded_frames;
struct wal_probe;

class wal_writer {
 public:
  /// Starts segment 1 of the directory's epoch. no_space: the writer exists and append() tries
  /// again.
  static result<std::unique_ptr<wal_writer>> open(wal_directory& dir, uint32_t shard);
  ~wal_writer();
  wal_writer(const wal_writer&) = delete;
  wal_writer& operator=(const wal_writer&) = delete;

  /// Encodes the batch into the buffer. Every series' slot must belong to this shard
  /// (invalid_argument). no_space: nothing of this batch nor of the other uncommitted ones is kept.
  status append(const write_batch& batch, const wal_refused& refused = {});
  /// Deletions, each filed under its series' slot, which must belong to this shard.
  status append_tombstones(std::string_view tenant, std::span<const tombstone_entry> entries);
  /// write + fdatasync (as options::sync says) of everything appended; ok: it may be acked.
  /// no_space and io_error as above.
  status commit();
  /// With sync_mode::interval: fdatasync of what commits have left to it. io_error as above.
  status sync();
  /// Forgets what was appended since the last commit. Never fails; a file that cannot be cut is
  /// left behind and named in the next segment's header.
  void rollback();

  /// Commits and starts a new segment, so that a checkpoint may take over everything before it.
  status cut();
  /// After a cut, before anything else: what a replay from the new segment on needs to know.
  wal_resume_point resume_point() const;
  std::vector<wal_references> references() const;
  /// Thread-safe: asks the writer to cut at its next append or commit.
  void request_cut() { cut_requested_.store(true, std::memory_order_relaxed); }
  /// Commits, writes a closing key frame for every group that needs one, syncs and closes.
  status close();

  /// End of what was committed.
  wal_position committed() const;
  uint32_t current_segment() const { return segment_; }
  uint64_t committed_bytes() const { return committed_bytes_; }  ///< of all segments
  uint64_t uncommitted_bytes() const;                            ///< encoded since the last commit
  size_t uncommitted_frames() const { return uncommitted_frames_; }
  /// Series the writer holds references of, and an estimate of its memory.
  uint64_t series_count() const;
  uint64_t memory_bytes() const;

 private:
  wal_writer(wal_directory& dir, uint32_t shard);
  status prepare();
  status start_segment();
  status create_segment(uint32_t number, bool fresh);
  result<std::unique_ptr<writable_file>> create_file(const std::string& path,
                                                     const segment_header& header);
  status flush_pending();
  status reserve(uint64_t size);
  status sync_segment();
  status sync_committed();
  void append_series_log();
  void finish_segment();
  /// io_error breaks the writer, anything else is rolled back; returns `cause`.
  status give_up(const status& cause);

  wal_directory& dir_;
  file_system& fs_;
  uint32_t shard_;
  uint32_t salt_ = 0;
  std::unique_ptr<frame_encoder> encoder_;
  std::unique_ptr<wal_probe> probe_;
  std::unique_ptr<encoded_frames> pending_;  // not yet written
  std::unique_ptr<writable_file> file_;
  std::unique_ptr<writable_file> series_file_;  // null: lost, the next segment starts a new one
  std::string path_;
  uint32_t segment_ = 0;  // the current or last one, 0: none yet
  uint32_t series_number_ = 0;
  uint64_t committed_ = 0;  // bytes of the current segment that were committed
  int64_t last_sync_ns_ = 0;
  bool sync_owed_ = false;  // committed bytes wait for their fdatasync
  uint64_t written_ = 0;    // bytes handed to the file
  uint64_t committed_bytes_ = 0;
  uint64_t reserved_ = 0;  // of the current segment
  size_t uncommitted_frames_ = 0;
  bool must_cut_ = true;  // the current segment takes no more frames
  std::atomic<bool> cut_requested_{false};
  status failed_;
  bool closed_ = false;
};

}  // namespace troupe::storage
