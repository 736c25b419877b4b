// Closed chunks of the head as bytes: how they are laid out in a region of the chunk store
// (storage/docs/head_layout.md), and helpers over columns. Pure functions, any thread. The parsers
// check every bound.
#pragma once

#include "storage/chunk/columns.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::storage {

/// Samples per chunk at most, as Prometheus.
inline constexpr size_t head_chunk_samples = 120;

/// Where a chunk starts in the sequence of all regions of a store. 0: nowhere.
using chunk_position = uint64_t;

/// A chunk in a region: samples of one kind of one series, all in one block range. The views refer
/// to the region.
struct stored_chunk {
  chunk_position position = 0;
  chunk_position previous = 0;  ///< the series' next older one, or 0
  timestamp_ms min_ts = 0;
  timestamp_ms max_ts = 0;  ///< inclusive
  uint32_t cut = 0;         ///< number of the first cut that may take it
  uint32_t samples = 0;
  uint32_t first_row = 0;    ///< in `times`
  std::string_view times;    ///< a column of its target's timestamps; empty: `content` is whole
  std::string_view content;  ///< a chunk (storage/docs/chunk_format.md), or values alone

  bool overlaps(timestamp_ms mint, timestamp_ms maxt) const {
    return min_ts <= maxt && mint <= max_ts;
  }
};

/// The largest multiple of `width` that is not above `ts`.
timestamp_ms range_start(timestamp_ms ts, int64_t width);

/// The head of a chunk and its content. `column` is the position of the column that it shares;
/// 0: none, and `content` is a whole chunk.
std::string pack_chunk(const stored_chunk& c, chunk_position column, std::string_view content);
/// A column of timestamps, increasing, at most 255.
std::string pack_times(std::span<const timestamp_ms> ts);
/// Values alone, for a chunk that shares timestamps.
std::string pack_values(std::span<const double> values);
/// The chunk at `position` in the bytes of a region that begins at `begin`. False if there is none,
/// or a damaged one.
bool parse_chunk(std::string_view region, chunk_position begin, chunk_position position,
                 stored_chunk& out);
/// Where the first record (chunk or column) lies whose checksum does not hold, in the bytes of a
/// region that are in use; their size if all hold.
size_t find_bad_record(std::string_view region);
/// Appends the samples of `chunk` in [mint, maxt] to `out`; corruption if they do not hold.
status decode_stored_chunk(const stored_chunk& chunk, timestamp_ms mint, timestamp_ms maxt,
                           sample_columns& out);

/// A chunk as encode_columns makes it.
struct encoded_chunk {
  timestamp_ms min_ts = 0, max_ts = 0;
  uint32_t samples = 0;
  std::string bytes;
};
/// Encodes columns (sorted, timestamps unique) into chunks of at most head_chunk_samples that do
/// not cross a multiple of `range_ms`, nor `bound`; in order of time per kind.
void encode_columns(const sample_columns& columns, int64_t range_ms, timestamp_ms bound,
                    const std::function<void(const encoded_chunk&)>& out);

/// Appends the samples of `from` in [mint, maxt] to `out`.
void append_range(const sample_columns& from, timestamp_ms mint, timestamp_ms maxt,
                  sample_columns& out);

}  // namespace troupe::storage
