// `troupe check config FILE…`: every error with file, line, column and field, and the files a
// configuration names.
#pragma once

#include "config/flags.h"
#include "config/load.h"

#include <string>
#include <vector>

namespace troupe::config {

/// Appends what is to be printed to `out` and `err` in promtool's words; the exit code: 0, or 1 for
/// any error.
int check_config_files(const check_config_command& what, file_system& fs,
                       const load_options& options, std::string& out, std::string& err);

}  // namespace troupe::config
