// Prometheus durations: "1h30m", "15s", "500ms", "1y". Units y w d h m s ms, each at most once, in
// this order.
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Milliseconds; "0" is allowed as in Prometheus' model.ParseDuration. Errors quote the text.
result<int64_t> parse_duration(std::string_view text);
/// The shortest canonical form, as Prometheus prints it ("1m30s", "0s", "1d"); negative gets a
/// leading '-'.
std::string format_duration(int64_t ms);

}  // namespace troupe
