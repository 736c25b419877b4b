// The recording of a real exporter that the node profile multiplies: the exposition text once, and
// a column of values per series. The format is described in tests/data/README.md. Immutable.
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench {

/// One series' values, bit by bit as the exporter gave them.
struct recorded_column {
  /// How a value is made of an integer: exporters divide (i / 10^e), multiply (i * 10^-e) or divide
  /// in two steps (i / 10^(e/2) / 10^(e/2)), which rounds differently; all else is kept as doubles.
  enum class form : uint8_t { quotient, product, steps, raw };
  form made = form::quotient;
  uint8_t decimals = 0;           ///< e, at most 17
  std::vector<int64_t> integers;  ///< |i| < 2^53; empty if raw
  std::vector<double> doubles;    ///< filled only if raw

  double value_of(int64_t integer) const;
};

struct recording {
  int64_t interval_ms = 0;
  size_t rows = 0;
  /// Lines of the exposition with their line breaks, values cut off: comments, and one line per
  /// column in the order of the columns.
  std::string text;
  std::vector<recorded_column> columns;
};

/// The payload of a recording file, decompressed. corruption for anything malformed; memory is
/// bounded by the payload's size.
result<recording> decode_recording(std::string_view payload);
/// A whole file: a zstd frame around the payload, at most 256 MiB of it.
result<recording> decompress_recording(std::string_view file);
/// The recording built into the binary (tests/data/node_exporter.rec.zst).
std::string_view embedded_recording();

}  // namespace troupe::bench
