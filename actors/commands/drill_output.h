// What `troupe drill` prints at its end. Pure functions.
#pragma once

#include "actors/commands/bench_output.h"
#include "pipeline/drill/report.h"

#include <string>
#include <vector>

namespace troupe::actors {

figures as_figures(const drill::drill_report& r, const std::vector<std::string>& faults);
/// A line for each node, then what a person should know.
std::string as_text(const drill::drill_report& r);

}  // namespace troupe::actors
