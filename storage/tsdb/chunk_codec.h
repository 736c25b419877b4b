// Chunks of Prometheus' blocks: encodings XOR, histogram and float histogram
// (tsdb/docs/format/chunks.md of prometheus/prometheus). Pure functions, any thread; the decoders
// check every bound.
#pragma once

#include "storage/base/result.h"
#include "storage/querier.h"

#include <span>
#include <string>
#include <string_view>

namespace troupe::storage::tsdb {

enum class encoding : uint8_t { none = 0, xor_floats = 1, histogram = 2, float_histogram = 3 };

/// Appends all samples of a chunk to `out`. corruption if the bytes are not such a chunk;
/// unsupported for another encoding or a histogram schema of a later version. `out` may then have a
/// part of them. Integer counts of 2^53 and more are rounded to doubles.
status decode_chunk(uint8_t how, std::string_view data, sample_columns& out);

struct encoded {
  encoding how = encoding::none;
  size_t samples = 0;  ///< of the input's front
  std::string data;
};
/// As Prometheus, at most so many samples a chunk.
inline constexpr size_t most_samples = 120;

/// The front of `ts` and `values`, which are not empty. Start timestamps have no place in it.
encoded encode_floats(std::span<const timestamp_ms> ts, std::span<const double> values);
/// The front of `rows`, up to the first that needs a chunk of its own: another layout, kind or
/// hint, a counter that went back, a live one behind a stale marker.
encoded encode_histograms(std::span<const sample_columns::histogram_row> rows);

/// A chunk with the times of its first and last sample.
struct timed_chunk {
  timestamp_ms first = 0;
  timestamp_ms last = 0;
  encoded chunk;
};
/// Cuts samples of one series into chunks by time, which do not overlap. The samples must stay as
/// they are meanwhile.
class chunk_cutter {
 public:
  explicit chunk_cutter(const sample_columns& all) : all_(all) {}
  /// False after the last.
  bool next(timed_chunk& out);

 private:
  const sample_columns& all_;
  size_t float_ = 0;
  size_t histogram_ = 0;
};

}  // namespace troupe::storage::tsdb
