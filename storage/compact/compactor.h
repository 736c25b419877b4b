// Merges sorted series sources into one block. The result does not depend on the order of inputs;
// memory holds one series at a time, and some encoded buckets of histograms. One owner per call.
#pragma once

#include "storage/block/block_reader.h"
#include "storage/block/block_writer.h"
#include "storage/compact/retention.h"

#include <memory>
#include <span>
#include <vector>

namespace troupe::storage {

/// Spec of the block that replaces `parents` (all of one tenant): time range, level, sources.
block_spec merged_spec(std::span<const std::shared_ptr<block_reader>> parents, std::string id);

/// What is kept of the merged series: all, or what `policy` keeps at `reference`.
struct kept_samples {
  std::shared_ptr<const retention_policy> policy;
  timestamp_ms reference = 0;
};

/// Writes the merge of `parents` to <dir>/<spec.id>, tombstones applied. The parents are untouched:
/// the caller removes them once this is ok. Damage met is in their damage().
result<block_meta> compact_blocks(file_system& fs, const std::string& dir, const block_spec& spec,
                                  std::span<const std::shared_ptr<block_reader>> parents,
                                  const kept_samples& kept = {});

}  // namespace troupe::storage
