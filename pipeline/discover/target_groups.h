// Target groups in the JSON of file_sd and http_sd and the YAML of file_sd. Pure functions.
#pragma once

#include "config/sd_config.h"
#include "storage/base/result.h"

#include <string_view>
#include <vector>

namespace troupe::discover {

/// `[{"targets":["host:port"],"labels":{"name":"value"}}]`; unknown fields, wrong types and invalid
/// label names are invalid_argument that says where.
result<std::vector<config::target_group>> parse_json_groups(std::string_view text);

/// The same in YAML; errors carry the line.
result<std::vector<config::target_group>> parse_yaml_groups(std::string_view text);

}  // namespace troupe::discover
