// The vocabulary of values: float samples, the stale marker, exemplars, metadata.
#pragma once

#include "storage/model/labels.h"

#include <bit>
#include <cstdint>
#include <limits>
#include <string>

namespace troupe {

/// Milliseconds since the Unix epoch, as everywhere in Prometheus.
using timestamp_ms = int64_t;

inline constexpr timestamp_ms min_time = std::numeric_limits<int64_t>::min();
inline constexpr timestamp_ms max_time = std::numeric_limits<int64_t>::max();
/// "No start (created) timestamp known."
inline constexpr timestamp_ms no_start_timestamp = 0;

/// Prometheus' value.StaleNaN and value.NormalNaN.
inline constexpr uint64_t stale_nan_bits = 0x7ff0000000000002ULL;
inline constexpr uint64_t normal_nan_bits = 0x7ff8000000000001ULL;
inline double stale_nan() {
  return std::bit_cast<double>(stale_nan_bits);
}
inline double normal_nan() {
  return std::bit_cast<double>(normal_nan_bits);
}
inline bool is_stale(double v) {
  return std::bit_cast<uint64_t>(v) == stale_nan_bits;
}

struct sample {
  timestamp_ms ts = 0;
  double value = 0;
};

struct exemplar {
  labels lset;
  double value = 0;
  timestamp_ms ts = 0;  ///< 0: take the sample's
};

enum class metric_type : uint8_t {
  unknown,
  counter,
  gauge,
  histogram,
  gaugehistogram,
  summary,
  info,
  stateset
};
std::string_view to_string(metric_type type);
/// Unknown names give metric_type::unknown.
metric_type metric_type_from(std::string_view name);

struct metadata {
  metric_type type = metric_type::unknown;
  std::string unit;
  std::string help;
  bool operator==(const metadata&) const = default;
};

/// The total order of architecture.md for two values at one timestamp: stale < other NaN < numbers
/// by IEEE totalOrder. True if `a` loses against `b`. Equal bits: false.
bool loses_against(double a, double b);

}  // namespace troupe
