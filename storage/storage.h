// Opens a data folder and hands out its doors. Used by actors/ (and tests) alone. Thread rules:
// open/close and maintenance from one thread at a time; appender(i) by its single writer;
// queryable() from any thread.
#pragma once

#include "storage/appender.h"
#include "storage/base/clock.h"
#include "storage/base/damage.h"
#include "storage/base/file_system.h"
#include "storage/base/memory_budget.h"
#include "storage/base/random.h"
#include "storage/base/stats.h"
#include "storage/log_door.h"
#include "storage/model/cardinality.h"
#include "storage/options.h"
#include "storage/querier.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

/// What /api/v1/status/walreplay and readiness show.
struct replay_progress {
  uint32_t first_segment = 0;
  uint32_t last_segment = 0;
  uint32_t current_segment = 0;
  bool done = false;
};

/// Head statistics of /api/v1/status/tsdb.
struct head_stats {
  struct entry {
    std::string name;
    uint64_t value;
  };
  uint64_t series = 0, chunks = 0, label_pairs = 0;
  timestamp_ms min_time = 0, max_time = 0;
  std::vector<entry> series_by_metric, values_by_label, memory_by_label, series_by_pair;
};

struct block_info {
  std::string id;
  timestamp_ms min_time = 0, max_time = 0;  ///< half open
  bool range_known = true;  ///< false: of a damaged block that does not tell it; both are 0 then
  uint64_t series = 0, samples = 0, bytes = 0;
  uint32_t level = 0;
  bool quarantined = false;
  std::string reason;
};

/// The effects a node injects.
struct environment {
  file_system* fs = nullptr;
  clock* clk = nullptr;
  registry* metrics = nullptr;
  uint64_t seed = 0;                ///< for ids; from entropy_seed() or a simulation's seed
  memory_budget* memory = nullptr;  ///< null: no bound
};

class storage {
 public:
  /// Opens or creates `opts.dir`. Fast: no replay. permission_denied with a hint if the folder is
  /// not troupe's (a Prometheus folder, say); nothing in it is touched then. already_exists if
  /// another process holds the lock.
  static result<std::unique_ptr<storage>> open(const options& opts, const environment& env);
  virtual ~storage() = default;

  virtual uint32_t shard_count() const = 0;
  /// Slots map to shards: shard = slot mod shard_count.
  uint32_t shard_of(uint16_t slot) const { return slot % shard_count(); }
  virtual shard_appender& appender(uint32_t shard) = 0;

  /// Replays the WAL of one shard into its head; a part of the work per call so that the single
  /// writer may append in between (appends are accepted and acked while replay runs; they become
  /// visible when it is through). True when done.
  virtual result<bool> replay_step(uint32_t shard) = 0;
  virtual replay_progress progress() const = 0;
  /// All shards are through: queries are answered.
  virtual bool ready() const = 0;

  virtual queryable& reader() = 0;
  virtual log_door& log() = 0;

  /// One unit of background work for a shard (cut head to block, compact, retention, WAL
  /// truncation, checkpoint); true if there may be more. Called from the maintenance actor's
  /// thread; never blocks the writer for more than ms.
  virtual result<bool> maintain(uint32_t shard) = 0;
  /// There is such work that frees memory: it should not wait for its turn.
  virtual bool holds_too_much() const = 0;

  virtual status delete_series(std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
                               std::span<const matchers> selectors) = 0;
  virtual status clean_tombstones() = 0;
  /// The next rounds of maintenance bring everything in memory to blocks and merge these as far as
  /// they ever are. Any thread.
  virtual void flush() = 0;
  /// Hard-linked copy below <dir>/snapshots; returns its name. The head is included unless
  /// `skip_head`.
  virtual result<std::string> snapshot(bool skip_head) = 0;

  virtual head_stats stats(size_t limit) const = 0;
  /// In the heads.
  virtual uint64_t series_count() const = 0;
  virtual std::vector<block_info> blocks() const = 0;
  /// What was found damaged, and the quarantine folder. Reads that folder.
  virtual damage_report damage() const = 0;
  /// Retention as reloaded from configuration.
  virtual void set_retention(int64_t ms, uint64_t bytes) = 0;
  /// In place of options::retention_rules.
  virtual void set_retention_rules(std::vector<retention_rule> rules) = 0;
  virtual void set_out_of_order_window(int64_t ms) = 0;
  /// Other budgets of series come into force; not while maintain() runs.
  virtual void set_series_budgets(const std::vector<series_budget>& budgets) = 0;
  /// Each with the groups that matter most, at most so many. Any thread.
  virtual std::vector<budget_state> series_budgets(size_t groups) const = 0;
  /// What the series that were created of late share, at most `limit` entries a list. Any thread.
  virtual growth_report growth(size_t limit) const = 0;
  /// Commits, writes key frames, closes. Later calls fail with unavailable.
  virtual status close() = 0;
};

}  // namespace troupe::storage
