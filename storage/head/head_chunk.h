// Sealed chunks inside the head: encoded bytes shared by series, readers and the block writer.
// Immutable once made; any thread.
#pragma once

#include "storage/querier.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace troupe::storage {

/// Samples of one kind, all in one block range.
struct head_chunk {
  timestamp_ms min_ts = 0;
  timestamp_ms max_ts = 0;  ///< inclusive
  uint32_t samples = 0;
  bool histograms = false;
  std::shared_ptr<const std::string> bytes;

  bool overlaps(timestamp_ms mint, timestamp_ms maxt) const {
    return min_ts <= maxt && mint <= max_ts;
  }
};
/// Sorted by min_ts; chunks of one kind do not overlap.
using head_chunks = std::vector<head_chunk>;

/// Samples per chunk, as Prometheus.
inline constexpr size_t head_chunk_samples = 120;

/// The largest multiple of `width` that is not above `ts`.
timestamp_ms range_start(timestamp_ms ts, int64_t width);

/// Encodes columns (sorted, timestamps unique) into chunks of at most head_chunk_samples that do
/// not cross a multiple of `range_ms`, appended to `out`.
void encode_columns(const sample_columns& columns, int64_t range_ms, head_chunks& out);
/// Restores the order by min_ts.
void sort_chunks(head_chunks& chunks);
/// Appends the samples of `chunk` in [mint, maxt] to `out`.
void decode_head_chunk(const head_chunk& chunk, timestamp_ms mint, timestamp_ms maxt,
                       sample_columns& out);

/// Number of samples.
inline size_t column_size(const sample_columns& c) {
  return c.ts.size() + c.histograms.size();
}
inline bool is_empty(const sample_columns& c) {
  return c.ts.empty() && c.histograms.empty();
}
/// First and last timestamp; only for columns that are not empty.
timestamp_ms first_ts(const sample_columns& c);
timestamp_ms last_ts(const sample_columns& c);
/// Appends the samples of `from` in [mint, maxt] to `out`.
void append_range(const sample_columns& from, timestamp_ms mint, timestamp_ms maxt,
                  sample_columns& out);

}  // namespace troupe::storage
