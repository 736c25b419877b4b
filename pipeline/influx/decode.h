// Requests in InfluxDB's line protocol to write batches: each field is a series, named
// measurement_field, with the line's tags as labels, as VictoriaMetrics has it.
#pragma once

#include "pipeline/influx/settings.h"
#include "pipeline/remote/series_collector.h"
#include "storage/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::influx {

struct request {
  std::string_view lines;
  std::string_view db;                                            ///< "": no label
  std::string_view precision;                                     ///< of times; "": by their size
  std::vector<std::pair<std::string, std::string>> extra_labels;  ///< of all series
  timestamp_ms now = 0;                                           ///< of lines without a time
};

/// invalid_argument for an unknown precision, out_of_bounds if it holds more than its size
/// justifies. Lines that are not valid count as refused series, of a sample each.
result<remote::decoded_write> decode(const request& r, const settings& s,
                                     remote::series_cache& known,
                                     const remote::write_limits& limits = {});

}  // namespace troupe::influx
