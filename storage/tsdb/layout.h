// Names and numbers of Prometheus' block files that readers and writers share
// (tsdb/docs/format of prometheus/prometheus), its big-endian integers, and errors with a place.
#pragma once

#include "storage/base/coding.h"
#include "storage/base/result.h"

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::storage::tsdb::layout {

inline constexpr std::string_view meta_file = "meta.json";
inline constexpr std::string_view index_file = "index";
inline constexpr std::string_view tombstone_file = "tombstones";
inline constexpr std::string_view chunk_folder = "chunks";

inline constexpr uint32_t index_magic = 0xBAAAD700;
inline constexpr uint32_t chunk_magic = 0x85BD40DD;
inline constexpr uint32_t tombstone_magic = 0x0130BA30;
inline constexpr uint8_t chunk_version = 1;
inline constexpr uint8_t tombstone_version = 1;
inline constexpr size_t chunk_header_bytes = 8;
inline constexpr size_t index_header_bytes = 5;
inline constexpr size_t crc_bytes = 4;
/// Six offsets and their checksum at the end of an index.
inline constexpr size_t toc_entries = 6;
inline constexpr size_t toc_bytes = toc_entries * 8 + crc_bytes;
/// Series of index version 2 begin at multiples of it, by which they are named.
inline constexpr uint64_t series_alignment = 16;

inline void put_be32(std::string& out, uint32_t v) {
  put_u32(out, __builtin_bswap32(v));
}
inline void put_be64(std::string& out, uint64_t v) {
  put_u64(out, __builtin_bswap64(v));
}
inline uint32_t be32(byte_reader& in) {
  return __builtin_bswap32(in.u32());
}
inline uint64_t be64(byte_reader& in) {
  return __builtin_bswap64(in.u64());
}

/// "<file>: offset <n>: <what>"
inline status corrupt(std::string_view file, uint64_t offset, std::string_view what) {
  return {errc::corruption, fmt::format("{}: offset {}: {}", file, offset, what)};
}

}  // namespace troupe::storage::tsdb::layout
