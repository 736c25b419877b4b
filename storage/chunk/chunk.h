// Sealed chunks: up to max_chunk_samples consecutive samples of one series as immutable bytes
// (storage/docs/chunk_format.md). Pure functions, any thread. Decoders check every bound and trust
// no length.
#pragma once

#include "storage/base/result.h"
#include "storage/chunk/value_column.h"
#include "storage/querier.h"

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

/// Appends the samples with mint <= ts <= maxt of a chunk of either kind to `out` (floats to
/// ts/values/start_ts, histograms to histograms), without regard to what is already there: call in
/// time order per kind. corruption if the bytes are not a chunk; `out` is then as before.
status decode_chunk(std::string_view bytes, timestamp_ms mint, timestamp_ms maxt,
                    sample_columns& out);

/// First and last timestamp and number of samples, from the header and the timestamps alone.
struct chunk_summary {
  timestamp_ms min_ts = 0;
  timestamp_ms max_ts = 0;
  uint32_t samples = 0;
  bool histograms = false;
};
result<chunk_summary> summarize_chunk(std::string_view bytes);

}  // namespace troupe::storage
