// Stream aggregation written down plainly: all outputs of a set of samples at once.
#pragma once

#include "config/aggregation_config.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <map>
#include <string>
#include <utility>

namespace troupe::aggregate {

/// Of each series its samples by time.
using series_samples = std::map<labels, std::map<timestamp_ms, double>>;
/// Series and time of an output to its value.
using outputs_by_time = std::map<std::pair<std::string, timestamp_ms>, double>;

/// Of the intervals that end up to `until`, for a rule that was there from `begun` on. The series
/// match; dedup_interval is not used. Quantiles are 0, 0.5, 0.9 and 1.
outputs_by_time reference_outputs(const config::aggregation_config& c, const series_samples& in,
                                  timestamp_ms begun, timestamp_ms until);

}  // namespace troupe::aggregate
