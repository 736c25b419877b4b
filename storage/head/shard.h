// One shard: its log, its head and the WRITE DOOR over both. The door's calls come from the shard's
// single writer; deletions, cuts and garbage collection from the maintenance thread take the same
// writer lock for one short call each (storage/docs/locking.md). Owned by the node's storage.
#pragma once

#include "storage/appender.h"
#include "storage/base/clock.h"
#include "storage/base/memory_budget.h"
#include "storage/head/admission.h"
#include "storage/head/budget_ledger.h"
#include "storage/head/head.h"
#include "storage/head/head_snapshot.h"
#include "storage/head/known_samples.h"
#include "storage/head/series_growth.h"
#include "storage/head/snapshot_file.h"
#include "storage/head/table_cache.h"
#include "storage/options.h"
#include "storage/wal/wal_reader.h"
#include "storage/wal/wal_writer.h"

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

/// What all shards of a node share; the atomics change when configuration is reloaded.
struct shard_limits {
  explicit shard_limits(const options& opts, memory_budget* memory = nullptr)
      : memory(memory),
        retention_ms(opts.retention_ms),
        out_of_order_window_ms(opts.out_of_order_window_ms),
        max_future_ms(opts.max_future_ms),
        min_block_ms(opts.min_block_ms),
        max_series(opts.max_series),
        replay_pending_bytes(opts.replay_pending_bytes),
        head_region_bytes(opts.head_region_bytes),
        max_exemplars(opts.exemplar_storage ? (opts.max_exemplars + opts.shards - 1) / opts.shards
                                            : 0) {}

  memory_budget* const memory;  ///< null: no bound
  std::atomic<int64_t> retention_ms;
  std::atomic<int64_t> out_of_order_window_ms;
  const int64_t max_future_ms;
  const int64_t min_block_ms;
  const uint64_t max_series;
  const uint64_t replay_pending_bytes;
  const size_t head_region_bytes;
  const size_t max_exemplars;  ///< per shard
  std::atomic<uint64_t> node_series{0};
  series_growth* growth = nullptr;  ///< told of users' new series; null: nobody is

  /// What a sample's time must lie in, by clock and options alone.
  time_bounds bounds(timestamp_ms now) const;
  memory_level level() const { return memory ? memory->level() : memory_level::normal; }
};

class shard final : public shard_appender, private series_listener {
 public:
  /// Starts the shard's log of this run. Nothing is replayed yet.
  static result<std::unique_ptr<shard>> open(wal_directory& dir, uint32_t number,
                                             shard_limits& limits, const clock& clk,
                                             const chunk_folder& chunk_files);
  ~shard() override;

  // --- the write door ---
  result<append_report> append(const batch_ptr& batch) override;
  status commit() override;
  status sync() override;
  size_t uncommitted_batches() const override;
  totals counts() const override;

  /// storage::replay_step.
  result<bool> replay_step();
  bool replayed() const { return replayed_.load(std::memory_order_acquire); }
  wal_reader::progress replay_progress() const;
  /// What the replay could not give back; empty before it is through.
  wal_report replay_report() const;

  // --- maintenance ---
  /// Deletes in log and head: durable when it returns ok. unavailable while the replay runs.
  status delete_series(std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
                       std::span<const matchers> selectors);
  /// Closes the current segment: everything in the log before the answered one is in the head.
  result<uint32_t> cut();
  /// Takes over the budgets in force; when it returns all series of the shard are counted.
  void adopt_budgets(const budget_list_ptr& budgets);
  /// Looks at a bounded number of series; true when a whole round is through.
  bool collect_garbage();
  /// Frees what was removed and is not read any more; true if some is left.
  bool reclaim();
  /// head::begin_cut and head::seal, in many short holds of the writer lock.
  tenant_ranges seal(timestamp_ms bound);
  void release_cut();
  /// Moves the oldest full region of closed chunks from memory to a file; true if there may be
  /// more. What cannot be written stays in memory and is tried again when there is more to write.
  bool write_out_chunks();
  /// There is such a region, not counting those that could not be written.
  bool has_chunks_to_write_out() const;
  /// Writes a snapshot of the head, so that a start reads the log from here on only. No cut may be
  /// under way and no series be removed meanwhile. After a failure there is none.
  status take_snapshot();
  /// About how much a start would read of the log now, and of the snapshot.
  struct start_cost {
    uint64_t log_bytes = 0, snapshot_bytes = 0;
  };
  start_cost cost_of_start() const;
  /// Commits, writes key frames, closes the log; every later call fails with unavailable.
  status close();

  const head& memory() const { return head_; }
  head& memory() { return head_; }

 private:
  class replay_sink;
  struct pending_batch {
    batch_ptr batch;
    table_refs_ptr refs;
    refusals refused;
  };

  shard(wal_directory& dir, uint32_t number, shard_limits& limits, const clock& clk,
        const chunk_folder& chunk_files);
  // shard_replay.cc
  std::vector<chunk_region_ptr> regions_to_write_out() const;
  result<bool> replay_some();
  void restart_sink();
  void drop_old_files();
  bool find_snapshot();
  status check_snapshot();
  result<bool> load_some();
  status forget_snapshot(const status& why);
  // shard_snapshot.cc
  status write_snapshot();
  status put_series(snapshot_writer& file, head_saver& saver);
  status put_references(snapshot_writer& file, head_saver& saver,
                        const std::vector<wal_references>& groups);
  status put_chunks(snapshot_writer& file);
  status usable() const;
  /// Notes a failure of the log, which has forgotten all that was not committed. Returns `why`.
  status log_failed(const status& why);
  status commit_locked();
  status cut_locked();
  void remove_file_of(chunk_position region);
  void remove_given_up();
  void apply_pending();
  void apply(pending_batch& pending);
  void add(const apply_counts& counts);
  void resolve(head_tenant& tenant, table_refs& refs, bool all) const;
  void count_repeated(const refusals& refused);
  timestamp_ms unsure() const;
  growth_limits limits(bool no_growth);
  void created(std::string_view tenant, const head_series& s) override;
  void removed(std::string_view tenant, const head_series& s) override;

  wal_directory& dir_;
  const uint32_t number_;
  shard_limits& limits_;
  const clock& clock_;
  head head_;
  std::atomic<bool> replayed_{false};
  // Of whoever calls replay_step(), then write_out_chunks() and take_snapshot(), one at a time.
  chunk_folder chunk_files_;
  std::string found_;  // the header of a snapshot that is not checked yet
  std::unique_ptr<snapshot_reader> snapshot_;
  std::unique_ptr<head_loader> loader_;
  bool has_snapshot_ = false;             // on the disk, and it counts
  std::vector<chunk_position> given_up_;  // that one may name their files
  chunk_position synced_until_ = 0;       // files of regions before are durable
  uint64_t snapshot_bytes_ = 0;

  mutable std::mutex mutex_;  // the writer lock; all below are guarded by it
  std::unique_ptr<wal_writer> wal_;
  std::unique_ptr<wal_reader> reader_;
  std::unique_ptr<replay_sink> sink_;
  wal_reader::progress progress_;
  wal_report report_;
  table_cache tables_;
  budget_ledger budgets_;
  std::vector<pending_batch> pending_;
  uint64_t pending_new_series_ = 0;
  uint64_t unapplied_bytes_ = 0;  // appended while the replay runs
  status lost_;    // why batches before the next commit were lost; told by that commit
  status broken_;  // for good
  bool closed_ = false;
  chunk_position failed_until_ = 0;          // regions up to here could not be written
  timestamp_ms replayed_newest_ = min_time;  // of all samples, when the replay was through
  int64_t replayed_at_ms_ = 0;
  uint64_t replayed_bytes_ = 0;  // of the log, no snapshot since
  uint64_t snapshot_at_ = 0;     // bytes of this run's log before the last snapshot
  totals totals_;
};

}  // namespace troupe::storage
