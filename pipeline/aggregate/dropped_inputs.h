// What keep_input: false means for storage: which series leave no blocks. Pure function.
#pragma once

#include "config/aggregation_config.h"
#include "storage/model/matcher.h"

#include <vector>

namespace troupe::aggregate {

/// One selector for each of the rules that do not keep their input. None selects what a rule gives,
/// as far as the name tells.
std::vector<matchers> dropped_inputs(const std::vector<config::aggregation_config>& rules);

}  // namespace troupe::aggregate
