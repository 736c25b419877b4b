// The series notation of promqltest scripts and rule unit tests: `name{a="b"} 0+10x5 _x3 stale
// NaN`. Pure, any thread.
#pragma once

#include "storage/base/result.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace troupe::query {

/// What a series has at one step.
struct series_value {
  bool gap = false;  ///< `_`: nothing
  double value = 0;
  histogram_ptr histogram;  ///< null: the float
  bool hint_set = false;    ///< the histogram names its counter reset hint
};

struct series_notation {
  labels series;
  std::vector<series_value> values;  ///< one per step
  bool has_histograms() const;
};

/// One line. At most 1,000,000 values.
result<series_notation> parse_series_line(std::string_view line);

/// `name{a="b"}@st _ -1m -30s-1mx2 _x3 *x2`: offsets in milliseconds from the time of the sample to
/// its start timestamp. Without a name and labels: the default for the series that follow.
struct start_notation {
  labels series;
  std::vector<std::optional<int64_t>> offsets;
};
bool is_start_line(std::string_view line);
result<start_notation> parse_start_line(std::string_view line);

}  // namespace troupe::query
