// What `troupe storage analyze` and `verify` print.
#pragma once

#include "actors/commands/bench_output.h"
#include "storage/offline/analysis.h"
#include "storage/offline/folder_check.h"

#include <string>

namespace troupe::actors {

figures as_figures(const storage::analysis& a);
std::string as_text(const storage::analysis& a);
figures as_figures(const storage::check_report& r);
std::string as_text(const storage::check_report& r);

}  // namespace troupe::actors
