// VictoriaMetrics' JSON lines to write batches: a series a line,
// {"metric":{"__name__":"m",…},"values":[…],"timestamps":[…]}.
#pragma once

#include "pipeline/remote/series_collector.h"
#include "storage/base/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::jsonlines {

struct request {
  std::string_view lines;
  std::vector<std::pair<std::string, std::string>> extra_labels;  ///< of all series
};

/// out_of_bounds if it holds more than its size justifies. Lines that are not valid count as
/// refused series, of a sample each. A value of null is a stale marker, as export writes it.
result<remote::decoded_write> decode(const request& r, remote::series_cache& known,
                                     const remote::write_limits& limits = {});

}  // namespace troupe::jsonlines
