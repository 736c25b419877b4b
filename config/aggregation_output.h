// What a rule of stream_aggregation computes of the samples of a group. Plain data.
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

enum class aggregation_function : uint8_t {
  avg,
  count_samples,
  count_series,
  histogram_bucket,
  increase,
  increase_prometheus,
  last,
  max,
  min,
  quantiles,
  rate_avg,
  rate_sum,
  stddev,
  stdvar,
  sum_samples,
  total,
  total_prometheus,
  unique_samples,
};
std::string_view to_string(aggregation_function f);

struct aggregation_output {
  aggregation_function function = aggregation_function::avg;
  std::vector<double> phis;  ///< of quantiles, each in [0, 1]
  bool operator==(const aggregation_output&) const = default;
};

/// "rate_sum", "quantiles(0.5, 0.99)". invalid_argument says what is wrong.
result<aggregation_output> parse_aggregation_output(std::string_view text);

}  // namespace troupe::config
