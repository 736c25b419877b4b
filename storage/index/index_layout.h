// Numbers of the index file that writer and reader share (storage/docs/index_format.md).
#pragma once

#include "storage/base/hash.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace troupe::storage::index_layout {

inline constexpr uint32_t magic = 0x58444954;  // "TIDX"
inline constexpr uint32_t version = 3;
inline constexpr uint32_t first_version = 1;      // without statistics
inline constexpr uint32_t last_flat_version = 2;  // a record a series, postings as differences only
inline constexpr size_t group_series = 16;        // whose records stand together
inline constexpr size_t header_bytes = 8;

enum table : size_t {
  table_records,
  table_offsets,
  table_symbols,
  table_symbol_offsets,
  table_labels,
  table_values,
  table_postings,
  table_count
};

inline constexpr size_t toc_entry_bytes = 8 + 8 + 4;  // offset, length, checksum
inline constexpr size_t toc_bytes = table_count * toc_entry_bytes;
inline constexpr size_t footer_bytes = toc_bytes + 4 + 4;  // toc, its checksum, magic
inline constexpr size_t label_bytes = 12;                  // name symbol, first value, value count
inline constexpr size_t value_bytes = 16;  // value symbol, series count, offset of postings

/// How a list of postings is written, its first byte.
enum class postings_form : uint8_t { differences = 0, runs = 1 };

/// Checksum of `bytes` in the place `which` of the file that `seed` names.
inline uint32_t checksum(std::string_view bytes, uint32_t seed, uint32_t which) {
  const std::string_view place(reinterpret_cast<const char*>(&which), sizeof(which));
  return crc32c(bytes, crc32c(place, seed));
}

}  // namespace troupe::storage::index_layout
