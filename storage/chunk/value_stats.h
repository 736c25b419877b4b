// What a chunk's values come to, computed when it is sealed, so that a query over a long window
// need decode only the chunks at its ends. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <span>

namespace troupe::storage {

/// Of the samples of a run that are not stale markers (those end a series, they are no samples).
/// Merging the stats of two runs that follow each other gives those of both together.
struct value_stats {
  uint64_t count = 0;
  double first = 0;
  double last = 0;
  /// Of the numbers; NaN if every sample is NaN. A zero has no sign.
  double min = 0;
  double max = 0;
  /// sum + compensation is the sum with the rounding errors added up aside; compensation is 0 if
  /// the sum is infinite or NaN.
  double sum = 0;
  double compensation = 0;
  /// How often a sample is less than the one before it, as resets() and rate() count (never beside
  /// NaN), and the sum of the samples before: last - first + reset_sum is the increase.
  uint64_t resets = 0;
  double reset_sum = 0;
};

value_stats stats_of(std::span<const double> values);
/// `later` follows `earlier` in time; either may be empty.
value_stats merge(const value_stats& earlier, const value_stats& later);

}  // namespace troupe::storage
