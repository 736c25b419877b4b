// Background work on a node's data: cuts heads into blocks, rewrites the log behind them, compacts,
// expires, deletes, copies. One mutex: one piece of work at a time, whoever calls. Owned by the
// node's storage.
//
// From head to block, in this order, so that a crash anywhere loses nothing and doubles nothing:
//   cut     every shard's log starts a new segment; what lies before it is in the heads
//   seal    heads set everything before the bound aside (readers see no difference)
//   write   one block per tenant and range, durable and visible
//   release heads drop the sealed samples when no reader remains that may miss the block
//   save    snapshots of the heads, so that a start needs nothing of the old log
//   rewrite a checkpoint keeps of the old log what is not in blocks; then the old files go
#pragma once

#include "storage/compact/scrubber.h"
#include "storage/head/checkpoint_rule.h"
#include "storage/head/shard.h"
#include "storage/read_epochs.h"
#include "storage/wal/checkpoint.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

namespace troupe::storage {

struct upkeep_parts {
  file_system* fs = nullptr;
  const clock* clk = nullptr;
  std::span<const std::unique_ptr<shard>> shards;
  wal_directory* log = nullptr;
  block_store* blocks = nullptr;
  read_epochs* epochs = nullptr;
  shard_limits* limits = nullptr;
};

class upkeep {
 public:
  upkeep(const upkeep_parts& parts, const options& opts, uint64_t seed);
  ~upkeep();

  /// One piece of work; true if there may be more. Only when all shards are replayed. After a
  /// failure the same piece is tried again by the next call.
  result<bool> step();
  status delete_series(std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
                       std::span<const matchers> selectors);
  status clean_tombstones();
  /// The next steps cut everything in the heads to blocks, then merge all that may be. Any thread.
  void ask_for_flush() { flush_asked_.store(true, std::memory_order_relaxed); }
  /// A data folder below <dir>/snapshots; its name.
  result<std::string> snapshot(bool skip_head);
  /// Cuts before their time because memory was short.
  uint64_t early_cuts() const { return early_cuts_.load(std::memory_order_relaxed); }
  /// As reloaded from configuration; waits for the piece in work.
  void set_retention(int64_t ms, uint64_t bytes);
  void set_retention_rules(std::vector<retention_rule> rules);
  /// The background check of blocks. Any thread.
  const scrubber& scrub() const { return scrub_; }
  /// Waits for the piece in work, writes snapshots for a quick start, refuses all later work.
  void close();

 private:
  struct cut_job {
    timestamp_ms bound = 0;
    /// Ranges to be written yet, per tenant.
    tenant_ranges ranges;
    bool published = false;
  };
  struct rewrite_job {
    uint32_t end_segment = 0;
    std::unique_ptr<checkpoint_rule> rule;
    std::unique_ptr<checkpoint_writer> writer;
  };

  struct snapshot_job {
    bool due = false;     ///< whatever the log has
    int64_t last_ns = 0;  ///< last try
  };

  status usable() const;
  void start_bound();
  /// Over all heads.
  struct head_figures {
    timestamp_ms newest = min_time;
    uint64_t late_samples = 0, series = 0;
  };
  head_figures heads() const;
  std::optional<timestamp_ms> wanted_bound() const;
  std::optional<timestamp_ms> early_bound() const;
  std::optional<timestamp_ms> flush_bound();
  bool memory_is_short() const;
  void tidy();
  status begin_cut(timestamp_ms bound);
  status write_next_block();
  void publish();
  void release();
  bool take_snapshots();
  bool snapshot_due(size_t shard) const;
  result<bool> rewrite_log();
  bool collect_garbage();
  status expire();
  void use_policy(int64_t otherwise_ms);
  plan_options plan() const;
  status write_head_to(const std::string& dir);
  timestamp_ms range_end(timestamp_ms start) const;

  const upkeep_parts parts_;
  const std::string dir_;
  const int64_t range_ms_;
  const int64_t max_block_ms_;
  std::vector<retention_rule> rules_;
  std::atomic<uint64_t> early_cuts_{0};
  std::atomic<bool> flush_asked_{false};
  const int64_t snapshot_interval_ns_;  ///< 0: none
  const uint64_t snapshot_log_bytes_;

  std::mutex mutex_;
  // All guarded by mutex_.
  seeded_random random_;
  scrubber scrub_;
  bool closed_ = false;
  bool bound_known_ = false;
  bool merge_all_ = false;         // after a flush, until nothing is left to merge
  timestamp_ms bound_ = min_time;  // of the last cut
  std::optional<cut_job> cut_;
  std::vector<uint32_t> cut_segments_;                // per shard, of cut_
  std::vector<std::optional<rewrite_job>> rewrites_;  // per shard
  std::vector<snapshot_job> snapshots_;               // per shard
  std::vector<bool> garbage_;                         // per shard: a round is due
  int64_t next_expiry_ns_ = 0;
  int64_t next_tidy_ns_ = 0;
  std::shared_ptr<const retention_policy> policy_;
  uint64_t retention_bytes_;
};

}  // namespace troupe::storage
