// A record of a topic in troupe's own format: an envelope and frames of the log's format
// (storage/docs/wal_format.md). Plain values and pure functions.
//
//   record = "TRPR", u8 version (1), varint length of the header, header, u8 packing, frames
//   header (cereal, portable binary, little-endian) = u8 1, u32 CRC-32C of the record but these
//   four bytes, then the fields of record_header in order; later versions of the program may add to
//   its end
//
// A writer's records of a partition form segments: the first one describes all its series, later
// ones refer to it. So whoever begins in the middle reads from the segment's first record on. Every
// segment is a run of its own in the sense of the log's format: group numbers and sequences start
// anew, the frames' epoch is the session, their salt segment_salt().
#pragma once

#include "storage/base/result.h"
#include "storage/model/sample.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::topics {

inline constexpr std::string_view record_magic = "TRPR";
inline constexpr uint8_t record_version = 1;
inline constexpr size_t max_record_bytes = 64u << 20;

/// Who wrote a record, and where in what it wrote it stands.
struct record_header {
  uint64_t node = 0;        ///< id of the writer's data
  uint64_t session = 0;     ///< of the writer, rising; its dictionary lives no longer
  uint32_t segment = 0;     ///< of the session, from 0
  uint32_t index = 0;       ///< of the record in its segment, from 0
  int64_t key_offset = -1;  ///< of the segment's first record; -1 in that one itself
  /// The writer's log up to this time is in this record and those before it in the partition.
  timestamp_ms as_of = min_time;
  uint64_t samples = 0;  ///< floats and histograms; 0 with no frames: it tells `as_of` only
  bool operator==(const record_header&) const = default;
};

/// How the frames of a record are stored.
enum class frame_packing : uint8_t {
  none,
  zstd,  ///< one frame of zstd that tells its content's size, max_record_bytes at most
};

/// Header and frames of a record, as they are stored (frame_unpacker). The view is into `payload`.
struct record_parts {
  record_header header;
  frame_packing packing = frame_packing::none;
  std::string_view frames;
};

/// It begins as a record of this format does.
bool is_record(std::string_view payload);
/// corruption if it is none, unsupported for a later version or another packing.
result<record_parts> split_record(std::string_view payload);
/// The inverse. The caller keeps it below max_record_bytes.
std::string make_record(const record_header& header, std::string_view frames,
                        frame_packing packing = frame_packing::none);
/// The salt of the frames of a header's segment.
uint32_t segment_salt(const record_header& header);

}  // namespace troupe::topics
