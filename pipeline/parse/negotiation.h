// Which format a target sends: the Accept header from the job's scrape protocols, and the parser
// for the Content-Type that came back. Pure functions.
#pragma once

#include "config/scrape_config.h"
#include "pipeline/parse/exposition.h"
#include "storage/base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::parse {

/// The Accept header for `protocols`, most wanted first, with Prometheus' weights. `escaping` is
/// "allow-utf-8", "underscores", "dots" or "values".
std::string accept_header(const std::vector<config::scrape_protocol>& protocols,
                          std::string_view escaping);

/// The format of a body with this Content-Type. invalid_argument in Prometheus' words when neither
/// it nor `fallback` settles it.
result<exposition_format> choose_format(std::string_view content_type,
                                        std::optional<config::scrape_protocol> fallback);

}  // namespace troupe::parse
