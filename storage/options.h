// Settings of the storage engine, filled from flags and configuration by actors/.
#pragma once

#include "storage/model/matcher.h"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::storage {

/// How long samples of the series that match are kept.
struct retention_rule {
  matchers selector;
  int64_t retention_ms = 0;  ///< 0: for ever
};

/// How many series each group of series may have in the heads of the node: new ones above it are
/// refused.
struct series_budget {
  std::string name;             ///< unique
  matchers selector;            ///< which series it concerns; empty: all
  std::vector<std::string> by;  ///< series with the same values of these labels are a group
  uint64_t limit = 1;           ///< at least 1
};

struct options {
  std::string dir = "data";
  uint32_t shards = 2;
  int64_t retention_ms = 15LL * 24 * 3600 * 1000;  ///< 0: keep for ever
  uint64_t retention_bytes = 0;                    ///< 0: no bound
  /// Of all tenants. The first that matches a series decides; retention_ms where none does.
  std::vector<retention_rule> retention_rules;
  int64_t out_of_order_window_ms = -1;  ///< -1: anything inside retention
  int64_t max_future_ms =
      10 * 60 * 1000;  ///< samples further ahead of the clock are refused; < 0: no bound
  int64_t min_block_ms = 2LL * 3600 * 1000;
  int64_t max_block_ms = 31LL * 24 * 3600 * 1000;  ///< bounded by retention / 10 as in Prometheus
  uint64_t wal_segment_bytes = 64ULL << 20;
  uint32_t key_frame_interval = 64;  ///< frames between key frames of a stream
  bool wal_compression = true;
  uint64_t replay_pending_bytes =
      256ULL << 20;                     ///< bound on appended, not yet applied bytes during replay
  size_t head_region_bytes = 64 << 10;  ///< closed chunks go to files in units of this to 64 times
  /// A snapshot of a head is written when the log behind the last one is that old; 0: none ever is.
  int64_t snapshot_interval_ms = 10 * 60 * 1000;
  /// And when it has grown by so much per shard, and a quarter of the snapshot.
  uint64_t snapshot_log_bytes = 12ULL << 20;
  size_t max_exemplars = 100'000;
  bool exemplar_storage = true;
  uint64_t max_series = 0;  ///< per node, 0: no bound
  std::vector<series_budget> series_budgets;
  bool no_lockfile = false;
  uint64_t scrub_bytes_per_s = 2 << 20;  ///< the background check of blocks reads this; 0: off
  /// always: a commit ends with fdatasync. interval: it ends with the write, fdatasync follows
  /// within sync_interval_ms (a power cut may cost that much; a dying process nothing). os: no
  /// fdatasync.
  enum class sync_mode : unsigned char { always, interval, os } sync = sync_mode::always;
  int64_t sync_interval_ms = 100;
};

}  // namespace troupe::storage
