// Deleted time ranges of a block's series, and the file `tombstones` that keeps them
// (storage/docs/block_format.md). Plain value.
#pragma once

#include "storage/base/result.h"
#include "storage/chunk/columns.h"
#include "storage/index/postings.h"

#include <map>
#include <string>
#include <string_view>

namespace troupe::storage {

struct tombstone_set {
  struct entry {
    uint64_t labels_hash = 0;  ///< labels::hash() of the series, checked when applied
    time_intervals intervals;
    bool operator==(const entry&) const = default;
  };
  std::map<series_ref, entry> series;
  bool operator==(const tombstone_set&) const = default;
};

/// `seed`: block_seed of the block.
std::string encode_tombstones(const tombstone_set& set, uint32_t seed);
result<tombstone_set> decode_tombstones(std::string_view bytes, uint32_t seed);

}  // namespace troupe::storage
