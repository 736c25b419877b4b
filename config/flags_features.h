// --enable-feature. Pure function.
#pragma once

#include "config/flags.h"
#include "storage/base/result.h"

#include <string>
#include <vector>

namespace troupe::config {

/// Switches on what the lists name; unknown and inert names are noted in `out`. invalid_argument
/// for features that exclude each other.
status apply_features(const std::vector<std::string>& given, command_line& out);

}  // namespace troupe::config
