// Names and numbers of a block's files that writer and reader share (storage/docs/block_format.md).
#pragma once

#include "storage/base/hash.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe::storage::block_layout {

inline constexpr std::string_view meta_file = "meta";
inline constexpr std::string_view chunk_file = "chunks";
inline constexpr std::string_view index_file = "index";
inline constexpr std::string_view tombstone_file = "tombstones";
inline constexpr std::string_view temporary_suffix = ".tmp";
inline constexpr std::string_view deleted_suffix = ".deleted.tmp";

inline constexpr size_t checksum_bytes = 4;  // in front of each chunk

/// Checksum of the chunk whose record begins at `offset` of the block that `seed` names.
inline uint32_t chunk_checksum(std::string_view bytes, uint64_t offset, uint32_t seed) {
  const std::string_view place(reinterpret_cast<const char*>(&offset), sizeof(offset));
  return crc32c(bytes, crc32c(place, seed));
}

}  // namespace troupe::storage::block_layout
