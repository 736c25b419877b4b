// Where a consumption is in its topic, and what it has counted that outlives the process: a file
// per consumption, replaced as a whole, written only when storage has the samples before the place.
// Plain values and pure functions.
//
//   file = "TRCO", u8 version (1), u32 crc32c of the rest, the rest: see encode()
#pragma once

#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::topics {

/// Offsets in [first, end).
struct offset_span {
  int64_t first = 0, end = 0;
  bool operator==(const offset_span&) const = default;
};

/// A record by its place and Kafka's time of it: in a topic that was made anew it is another one.
struct record_stamp {
  int64_t offset = 0;
  timestamp_ms ts = 0;
  bool operator==(const record_stamp&) const = default;
};

/// How far the log of a writer is in what was stored of a partition.
struct writer_mark {
  uint64_t node = 0;  ///< 0: records that are not of troupe's own format
  timestamp_ms as_of = min_time;
  timestamp_ms heard = min_time;  ///< Kafka's time of its last record
  bool operator==(const writer_mark&) const = default;
};

/// A stretch of a partition that is read in order.
struct stretch_place {
  int64_t next = 0;                  ///< of the first record that is not stored
  std::optional<int64_t> end;        ///< it ends before; absent: it goes on
  std::optional<int64_t> key;        ///< from here on what follows can be understood
  std::optional<record_stamp> last;  ///< the last record that was stored
  std::vector<offset_span> stored;   ///< behind `next`, in order
  std::vector<writer_mark> writers;  ///< by node
  bool operator==(const stretch_place&) const = default;
};

struct partition_place {
  stretch_place live;                    ///< goes on
  std::optional<stretch_place> backlog;  ///< read beside it; ends where that began, or before
  bool operator==(const partition_place&) const = default;
};

struct consume_totals {
  uint64_t gaps = 0;
  uint64_t gap_records = 0;
  uint64_t lost_samples = 0;
  uint64_t poisoned = 0;
  uint64_t resets = 0;
  bool operator==(const consume_totals&) const = default;
};

struct consume_offsets {
  std::string kafka, topic;  ///< whose offsets they are
  uint32_t began_with = 0;   ///< partitions there were at first; 0: it has not begun
  std::map<uint32_t, partition_place> partitions;
  consume_totals totals;
  bool operator==(const consume_offsets&) const = default;
};

/// Spans of a stretch and writers of a partition that are remembered.
inline constexpr size_t most_spans = 16, most_writers = 64;

std::string encode(const consume_offsets& all);
/// corruption for anything that encode() does not give.
result<consume_offsets> decode_offsets(std::string_view bytes);

/// Absent if there is no file; corruption if it is damaged; else it could not be read now.
result<std::optional<consume_offsets>> load_offsets(file_system& fs, const std::string& path);
/// Durable when it returns ok.
status store_offsets(file_system& fs, const std::string& path, const consume_offsets& all);

}  // namespace troupe::topics
