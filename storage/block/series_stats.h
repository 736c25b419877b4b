// What all floats of a series in a block come to, kept beside its chunks so that a long window need
// not decode them (storage/docs/block_format.md). Only of series for which every number is exact,
// whatever the order of additions. Plain value, pure functions.
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::storage {

struct series_stats {
  double first = 0, last = 0;
  double min = 0, max = 0;
  uint64_t resets = 0;  ///< how often a sample is less than the one before it
  /// Of integers whose sizes sum up to less than 2^53: their sum, and the sum of the samples before
  /// resets.
  struct integer_sums {
    int64_t sum = 0, before_resets = 0;
    bool operator==(const integer_sums&) const = default;
  };
  std::optional<integer_sums> sums;

  bool operator==(const series_stats&) const = default;
};

/// Nothing of an empty span, or if there is a NaN (a stale marker is one), or zeros of both signs
/// could be the least or the greatest.
std::optional<series_stats> series_stats_of(std::span<const double> values);

std::string encode_series_stats(const series_stats& stats);
/// corruption if the bytes are not one encoded series_stats.
result<series_stats> decode_series_stats(std::string_view bytes);

}  // namespace troupe::storage
