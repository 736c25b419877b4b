// Which blocks to merge next. Pure functions of the list of blocks.
#pragma once

#include "storage/block/block_meta.h"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace troupe::storage {

struct plan_options {
  int64_t min_block_ms = 2LL * 3600 * 1000;
  int64_t max_block_ms = 31LL * 24 * 3600 * 1000;
  /// A block is rewritten when more than this part of its series has tombstones.
  double tombstone_ratio = 0.05;
  /// Merge whatever lies in one of the largest ranges, however small, before newer data exist.
  bool everything = false;
};

struct block_summary {
  const block_meta* meta = nullptr;
  uint64_t tombstoned_series = 0;
};

/// min, min*3, min*9, … up to max; at least min.
std::vector<int64_t> block_ranges(const plan_options& opts);

/// The ids to merge into one block (or to rewrite: one id), by (min_time, id); empty if there is
/// nothing to do. Blocks of one tenant that lie in one aligned range are merged once newer data
/// exist, smaller ranges first; small late blocks wait until they weigh an eighth of the range's
/// largest or there are eight. Overlaps and duplicates are normal input. The answer does not depend
/// on the order of `blocks`.
std::vector<std::string> plan_compaction(std::span<const block_summary> blocks,
                                         const plan_options& opts);

struct retention_options {
  int64_t retention_ms = 0;      ///< 0: keep for ever
  uint64_t retention_bytes = 0;  ///< 0: no bound
};

/// The ids that retention removes: by time, whole blocks that end retention_ms or more before the
/// newest block's end (or `now`, if that is earlier: neither a clock that jumps ahead nor a pause
/// of ingestion empties the store); by size, the oldest of all tenants while `other_bytes` (WAL,
/// head files) plus blocks exceed retention_bytes.
struct retention_plan {
  std::vector<std::string> by_time;
  std::vector<std::string> by_size;
};
retention_plan plan_retention(std::span<const block_meta> blocks, const retention_options& opts,
                              timestamp_ms now, uint64_t other_bytes);

}  // namespace troupe::storage
