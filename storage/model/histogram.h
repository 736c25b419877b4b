// Native histogram value (Prometheus' model.histogram), integer or float, exponential or custom
// buckets. Plain value.
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct histogram_span {
  int32_t offset = 0;   ///< gap to the previous span (first: start index)
  uint32_t length = 0;  ///< consecutive buckets
  bool operator==(const histogram_span&) const = default;
};

enum class counter_reset_hint : uint8_t { unknown, reset, not_reset, gauge };

/// Exponential schemas -4..8; custom buckets have schema -53 and `custom_bounds` (upper bounds,
/// +Inf implied).
struct histogram {
  static constexpr int32_t custom_schema = -53;
  int32_t schema = 0;
  counter_reset_hint hint = counter_reset_hint::unknown;
  bool is_float =
      false;  ///< counts are floating point (else integers, exactly held in the doubles below 2^53)
  double zero_threshold = 0;
  double zero_count = 0;
  double count = 0;
  double sum = 0;
  std::vector<histogram_span> positive_spans, negative_spans;
  std::vector<double> positive_buckets,
      negative_buckets;  ///< absolute counts, one per bucket of the spans
  std::vector<double> custom_bounds;

  bool operator==(const histogram&) const;
  /// A stale marker is a histogram whose sum carries the stale NaN.
  bool is_stale() const;
  /// Whether it may be stored, by the rules of Prometheus' model/histogram: a known schema, spans
  /// that name as many buckets as there are, no negative counts, a total that fits. Else
  /// invalid_argument with the reason.
  status validate() const;
  /// Self-contained bytes, equal histograms give equal bytes.
  void encode(std::string& out) const;
  static result<histogram> decode(std::string_view bytes);
};

using histogram_ptr = std::shared_ptr<const histogram>;

}  // namespace troupe
