// What comes out of the log: one stream's part of one frame, decoded. The head applies it at
// replay, a tailing reader ships it. Plain values; the views are valid during wal_sink::apply only.
#pragma once

#include "storage/base/result.h"
#include "storage/model/batch.h"

#include <compare>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace troupe::storage {

/// A place in the log of one shard. Ordered by age.
struct wal_position {
  uint64_t epoch = 0;
  uint32_t segment = 0;
  uint64_t offset = 0;
  auto operator<=>(const wal_position&) const = default;
};

/// Entries of a batch that the caller has refused: positions in its columns, ascending.
struct wal_refused {
  std::span<const uint32_t> floats;
  std::span<const uint32_t> histograms;
  std::span<const uint32_t> exemplars;
};

/// Samples of one series with mint <= ts <= maxt are deleted.
struct tombstone_entry {
  labels series;
  timestamp_ms mint = 0;
  timestamp_ms maxt = 0;
};

/// A series as a reader numbers them: dense from 0 in order of first use, never renumbered while
/// the reader lives. The same label set may have several numbers (two senders, two epochs).
struct wal_series {
  labels lset;
  std::string_view tenant;  ///< valid as long as the reader
  uint16_t slot = 0;
};

struct wal_batch {
  uint16_t slot = 0;
  bool recovered =
      false;  ///< undone backwards behind damage: comes later than its place in the log
  std::string_view tenant;
  uint64_t group = 0;  ///< write_batch::group; 0 for metadata and tombstones without one
  uint64_t epoch = 0;
  uint64_t sequence = 0;  ///< of the stream (slot) in its epoch, from 1
  timestamp_ms ts = 0;    ///< the frame's timestamp
  /// `series` of every entry below is an index into this.
  const std::vector<wal_series>* dictionary = nullptr;
  std::vector<float_entry> floats;
  std::vector<start_entry> starts;  ///< by index into floats, ascending
  std::vector<histogram_entry> histograms;
  std::vector<exemplar_entry> exemplars;
  std::vector<metadata_entry> metadata;
  std::vector<tombstone_entry> tombstones;
  std::string_view source_position;

  const wal_series& series(uint32_t id) const { return (*dictionary)[id]; }
  /// Empties all columns, keeps their memory.
  void clear();
};

/// Receives batches in stream order (except recovered ones). A failed status stops the reader's
/// step with it.
class wal_sink {
 public:
  virtual ~wal_sink() = default;
  virtual status apply(const wal_batch& batch) = 0;
};

}  // namespace troupe::storage
