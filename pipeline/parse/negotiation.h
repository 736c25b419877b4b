// Which format a target sends: the Accept header from the job's scrape protocols, and the parser
// for the Content-Type that came back. Pure functions.
#pragma once

#include "pipeline/parse/exposition.h"
#include "storage/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::parse {

/// The Accept header for `protocols` (Prometheus' names: "OpenMetricsText1.0.0", …), best first,
/// with Prometheus' weights. `escaping` is "allow-utf-8", "underscores", "dots" or "values".
/// Protocols this build cannot read (PrometheusProto) are left out.
std::string accept_header(const std::vector<std::string>& protocols, std::string_view escaping);

/// The format of a body with this Content-Type; `fallback` is the name of the fallback scrape
/// protocol or "". invalid_argument in Prometheus' words when neither settles it.
result<exposition_format> choose_format(std::string_view content_type, std::string_view fallback);

}  // namespace troupe::parse
