// All blocks of a data folder: opens them, sets damaged ones aside, writes, merges, deletes and
// expires them so that the set of queryable samples is the same before and after every step and at
// every crash in between. Owned by storage. Any thread; blocks(), infos(), counts() and
// newest_end() never wait for work, everything else is done one at a time.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/base/random.h"
#include "storage/block/block_reader.h"
#include "storage/block/block_writer.h"
#include "storage/compact/planner.h"
#include "storage/compact/retention.h"
#include "storage/storage.h"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::storage {

using block_ptr = std::shared_ptr<block_reader>;

/// Counters for metrics, since open.
struct block_store_counts {
  uint64_t written = 0;  ///< blocks cut from heads
  uint64_t compactions = 0;
  uint64_t compactions_failed = 0;
  uint64_t expired_by_time = 0;
  uint64_t expired_by_size = 0;
  uint64_t expired_by_rule = 0;  ///< blocks rewritten without the series that a rule ended
  uint64_t quarantined = 0;      ///< blocks set aside, now
  uint64_t load_failures = 0;    ///< blocks that did not open
  uint64_t repaired = 0;
};

class block_store {
 public:
  /// Opens (or creates) `dir`. Leftover *.tmp are removed, blocks that a healthy block names as
  /// parents too; a damaged block moves to `quarantine_dir` and the rest goes on. Fails only if the
  /// folders themselves cannot be read or made.
  static result<std::unique_ptr<block_store>> open(file_system& fs, const clock& clk, uint64_t seed,
                                                   std::string dir, std::string quarantine_dir);

  /// Healthy blocks, by (min_time, id). A consistent snapshot that stays readable while held.
  std::vector<block_ptr> blocks() const;
  /// Healthy and quarantined ones, for the API.
  std::vector<block_info> infos() const;
  block_store_counts counts() const;
  /// What reads of all blocks have met since the start.
  const read_damage& damage() const { return *damage_; }
  /// Highest max_time of the tenant's blocks, or min_time if there are none.
  timestamp_ms newest_end(std::string_view tenant) const;

  /// Cuts a block from a head: writes the samples of `source` with mint <= ts < end and makes the
  /// block visible; samples 0 in the answer: there was nothing to write.
  result<block_meta> write(std::string_view tenant, timestamp_ms mint, timestamp_ms end,
                           series_set& source);
  /// One planned merge or rewrite. False if there was nothing to do. After a failure the blocks are
  /// as before.
  result<bool> compact_once(const plan_options& opts);
  /// Sets blocks aside whose files stopped giving their bytes.
  void set_unreadable_aside();
  /// Rewrites a block that damage() knows to be damaged without what cannot be read, and keeps
  /// that in the quarantine folder; sets it aside as a whole if the tables of its index do not
  /// hold. After a failure the block is as before.
  status repair(const block_ptr& block);
  /// From now on every merge and rewrite leaves out what a policy by series does not keep.
  void set_retention_policy(std::shared_ptr<const retention_policy> policy);
  /// Rewrites one block that has series whose retention is over for its whole range; false if there
  /// is none.
  result<bool> drop_expired_series();
  /// Removes expired blocks; how many.
  result<uint64_t> apply_retention(const retention_options& opts, uint64_t other_bytes);
  /// Deletes [mint, maxt] of the series that match any selector from all blocks of the tenant.
  status delete_series(std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
                       std::span<const matchers> selectors);
  /// Rewrites every block that has tombstones.
  status clean_tombstones();
  /// Hard-linked copies of all blocks below `target` (created).
  status snapshot(const std::string& target);

 private:
  block_store(file_system& fs, const clock& clk, uint64_t seed, std::string dir,
              std::string quarantine_dir);
  status load();
  void load_quarantine();
  void remove_leftovers();
  void set_aside(const std::string& id, const status& why);
  void note_quarantined(block_info info);
  std::string new_id();
  std::vector<block_ptr> find(const std::vector<std::string>& ids) const;
  void publish(const std::vector<block_ptr>& gone, const block_ptr& fresh);
  // Of `kept` the quarantine folder has what is damaged already.
  void retire(const std::vector<block_ptr>& gone, const block_ptr& kept);
  status replace(const std::vector<std::string>& ids, const block_ptr& kept = nullptr);
  status keep_damaged(const block_reader& block);
  timestamp_ms reference_time() const;
  bool has_expired_series(const block_reader& block, timestamp_ms reference);
  status link_block(const block_reader& block, const std::string& target);

  file_system& fs_;
  const clock& clock_;
  const std::string dir_;
  const std::string quarantine_dir_;
  const std::shared_ptr<read_damage> damage_ = std::make_shared<read_damage>();

  std::mutex work_mutex_;  // held for one piece of work; taken before mutex_
  // Guarded by work_mutex_.
  seeded_random random_;
  std::vector<std::string> leftovers_;  // replaced blocks that could not be removed yet
  std::shared_ptr<const retention_policy> policy_ = std::make_shared<retention_policy>();
  std::map<std::string, size_t> unexpired_;  // rules that are over and match nothing in a block

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<block_ptr> blocks_;
  std::vector<block_info> quarantined_;
  block_store_counts counts_;
};

}  // namespace troupe::storage
