// Writes a block: series stream through into <id>.tmp, every file is synced, the directory renamed
// and its parent synced. Until then no reader sees it; afterwards it is complete. One owner.
#pragma once

#include "storage/base/file_system.h"
#include "storage/block/block_meta.h"
#include "storage/querier.h"

#include <string>

namespace troupe::storage {

/// What the caller knows of a block to be written.
struct block_spec {
  std::string id;
  std::string tenant;
  timestamp_ms min_time = 0;
  timestamp_ms max_time = 0;  ///< half open
  uint32_t level = 1;
  std::vector<std::string> sources;  ///< empty: the block is its own source
  std::vector<std::string> parents;
};

/// Writes the samples of `source` with min_time <= ts < max_time as <dir>/<spec.id>; one series is
/// in memory at a time, and of merges encoded buckets of histograms up to twice
/// bucket_group::max_bytes. Series without samples are left out; if none is left, nothing is
/// written and the answer's `samples` is 0. On failure (no_space, io_error, or what `source` says)
/// nothing is left but at most <id>.tmp.
result<block_meta> write_block(file_system& fs, const std::string& dir, const block_spec& spec,
                               series_set& source);

/// Takes a block out of sight at once (renamed to <id>.deleted.tmp), then frees its space.
status remove_block(file_system& fs, const std::string& dir, const std::string& id);

}  // namespace troupe::storage
