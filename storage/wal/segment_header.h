// The first frame of every file of the log: what the file is and what it builds on.
#pragma once

#include "storage/wal/frame.h"
#include "storage/wal/wal_file_name.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::storage {

enum class segment_role : uint8_t { segment = 0, series_log = 1, checkpoint = 2 };

struct segment_header {
  uint64_t epoch = 0;  ///< of the frame, as is the salt
  uint32_t salt = 0;
  uint32_t shard = 0;
  uint32_t shards = 1;
  uint32_t number = 0;
  segment_role role = segment_role::segment;
  uint32_t series_number = 0;    ///< of the series log that holds older references
  uint32_t previous = 0;         ///< segment before this one, 0: none
  uint64_t previous_length = 0;  ///< its valid part
  /// Streams of this epoch with the next sequence of each.
  std::vector<std::pair<uint16_t, uint64_t>> next_sequences;

  /// What the file should be called; `called` tells a checkpoint's table from a series log.
  wal_file_name name(wal_file_kind called) const;
};

void put_segment_header(const segment_header& h, timestamp_ms now, std::string& out);
/// False if the body of that frame is malformed or of a later format.
bool read_segment_header(std::string_view body, segment_header& out);

}  // namespace troupe::storage
