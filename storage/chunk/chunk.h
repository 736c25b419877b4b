// Sealed chunks: up to max_chunk_samples consecutive samples of one series as immutable bytes
// (storage/docs/chunk_format.md). Pure functions, any thread. Decoders check every bound and trust
// no length.
#pragma once

#include "storage/base/result.h"
#include "storage/chunk/value_column.h"
#include "storage/chunk/value_difference.h"
#include "storage/querier.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::storage {

/// What a decoder accepts at most in one chunk; bounds what damaged bytes can make it allocate.
inline constexpr size_t max_chunk_samples = 16384;

/// Float samples, 1..max_chunk_samples, timestamps strictly increasing. `starts` is empty or as
/// long as `ts` (no_start_timestamp where none). Values keep every bit: NaN payloads, -0, Inf,
/// stale.
std::string encode_chunk(std::span<const timestamp_ms> ts, std::span<const double> values,
                         std::span<const timestamp_ms> starts = {},
                         storage_tier tier = storage_tier::hot);
/// Histogram samples, 1..max_chunk_samples, timestamps strictly increasing.
std::string encode_histogram_chunk(std::span<const sample_columns::histogram_row> rows);

/// How many links lead at most from a chunk to one that stands alone.
inline constexpr size_t max_chunk_links = 7;

/// Where the chunk lies that another one is told by: its record begins `distance` bytes (at least
/// 1) before the other's and has `length` bytes.
struct chunk_link {
  uint64_t distance = 0;
  uint32_t length = 0;
  bool operator==(const chunk_link&) const = default;
};
/// Float samples with the times and start times of another chunk, told by what their values differ.
std::string encode_linked_chunk(size_t samples, chunk_link link, difference_sign sign,
                                const value_difference& difference);
/// What a chunk is told by; nothing if it stands alone. corruption if the bytes are no chunk.
result<std::optional<chunk_link>> link_of(std::string_view bytes);

/// The floats of a chunk with mint <= ts <= maxt, for chunks that are told by them.
struct chunk_window {
  size_t samples = 0;  ///< of the whole chunk
  size_t from = 0;     ///< rows before the window
  sample_columns columns;
};
/// Replaces `out` by the floats of a chunk; `base` is the same window of what it is told by, null
/// if it stands alone. corruption if the bytes are not such a chunk or the bases do not fit.
status decode_window(std::string_view bytes, timestamp_ms mint, timestamp_ms maxt,
                     const chunk_window* base, chunk_window& out);

/// Appends the samples with mint <= ts <= maxt of a chunk of either kind to `out` (floats to
/// ts/values/start_ts, histograms to histograms), without regard to what is already there: call in
/// time order per kind. corruption if the bytes are not a chunk that stands alone; `out` is then as
/// before.
status decode_chunk(std::string_view bytes, timestamp_ms mint, timestamp_ms maxt,
                    sample_columns& out);

/// First and last timestamp and number of samples, from the header and the timestamps alone, of a
/// chunk that stands alone.
struct chunk_summary {
  timestamp_ms min_ts = 0;
  timestamp_ms max_ts = 0;
  uint32_t samples = 0;
  bool histograms = false;
};
result<chunk_summary> summarize_chunk(std::string_view bytes);

}  // namespace troupe::storage
