// `troupe check rules FILE…`: every error of rule files with file, line, column and field.
#pragma once

#include "config/load.h"
#include "config/rules_command.h"

#include <string>

namespace troupe::config {

/// Appends what is to be printed to `out` and `err` in promtool's words; promtool's exit code: 0, 1
/// for any error, 3 if rules only repeat each other and that is to be fatal.
int check_rule_files(const check_rules_command& what, file_system& fs, const load_options& options,
                     std::string& out, std::string& err);

}  // namespace troupe::config
