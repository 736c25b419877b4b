// Identity and description of a block, and its text file `meta` (storage/docs/block_format.md).
// Plain values.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/random.h"
#include "storage/base/result.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::storage {

/// 26 characters: 48 bits of Unix milliseconds and 80 random bits in Crockford's base 32 (a ULID),
/// so that names sort by creation.
std::string make_block_id(const clock& clk, random_source& random);
bool is_block_id(std::string_view name);

struct block_meta {
  std::string id;
  std::string tenant;  ///< a block holds the series of one tenant
  timestamp_ms min_time = 0;
  timestamp_ms max_time = 0;  ///< half open: every sample has min_time <= ts < max_time
  uint64_t series = 0;
  uint64_t chunks = 0;
  uint64_t samples = 0;  ///< floats and histograms
  uint64_t histograms = 0;
  uint64_t linked_chunks = 0;  ///< told by others; readers before version 2 know none
  uint64_t chunk_bytes = 0;    ///< size of the file `chunks`
  uint64_t index_bytes = 0;    ///< size of the file `index`
  uint32_t level = 1;          ///< 1: cut from a head; a merge is one above its highest parent
  std::vector<std::string> sources;  ///< the level 1 blocks it is made of, sorted
  std::vector<std::string>
      parents;  ///< blocks this one replaces: where they still exist, they are ignored

  bool overlaps(timestamp_ms mint, timestamp_ms maxt) const {
    return min_time <= maxt && mint < max_time;
  }
  bool operator==(const block_meta&) const = default;
};

std::string encode_meta(const block_meta& meta);
/// corruption if the text is damaged, unsupported for another version.
result<block_meta> decode_meta(std::string_view text);

/// The number that ties the files of a block together: it is part of their checksums.
uint32_t block_seed(std::string_view id);

}  // namespace troupe::storage
