// Request parameters as Prometheus reads them: times, durations, selectors, limits. Pure functions.
#pragma once

#include "pipeline/http/http.h"
#include "storage/base/result.h"
#include "storage/model/matcher.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::api {

/// Unix seconds with a fraction, or RFC 3339; also the two constants Prometheus uses for minTime
/// and maxTime.
result<timestamp_ms> parse_time(std::string_view text);
/// Seconds with a fraction, or a Prometheus duration; in ms.
result<int64_t> parse_duration_param(std::string_view text);
/// The parameter's time, or `fallback` if absent; the error names the parameter.
result<timestamp_ms> time_param(const http::request& r, std::string_view name,
                                timestamp_ms fallback);
/// Non-negative "limit"; 0 if absent.
result<size_t> limit_param(const http::request& r, std::string_view name = "limit");
/// All match[] selectors, parsed.
result<std::vector<matchers>> selector_params(const http::request& r);
/// All extra_label parameters: `name=value`, labels of all series of a request.
result<std::vector<std::pair<std::string, std::string>>> extra_label_params(const http::request& r);
/// "U__metric_2e_name" → "metric.name"; anything else as it is.
std::string unescape_label_name(std::string_view name);

}  // namespace troupe::api
