// Records of the index file's series, several in a group, each told by what it has other than the
// one before (storage/docs/index_format.md). One owner.
#pragma once

#include "storage/base/coding.h"
#include "storage/base/result.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::storage {

/// Where the record of one chunk (checksum and bytes) lies in the block's chunk file.
struct chunk_ref {
  timestamp_ms min_ts = 0;
  timestamp_ms max_ts = 0;  ///< inclusive
  uint64_t offset = 0;
  uint32_t length = 0;
  uint32_t samples = 0;
  bool operator==(const chunk_ref&) const = default;
};

/// Symbols of the name and the value.
using symbol_pair = std::pair<uint32_t, uint32_t>;

/// What a record is told by; at the front of a group nothing.
struct series_record_state {
  std::vector<symbol_pair> pairs;
  uint64_t first_time = 0;  ///< of its first chunk
  uint64_t span = 0;        ///< of the last chunk: time, end in the file, samples
  uint64_t end = 0;
  uint64_t samples = 0;
};

/// Appends a record; `state` becomes that of the next one.
void put_series_record(std::span<const symbol_pair> pairs, std::span<const chunk_ref> chunks,
                       std::string_view statistics, series_record_state& state, std::string& out);

/// Reads a record; afterwards `state` has its pairs. corruption if the bytes do not hold.
status read_series_record(byte_reader& in, series_record_state& state,
                          std::vector<chunk_ref>& chunks, std::string_view& statistics);

}  // namespace troupe::storage
