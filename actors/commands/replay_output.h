// What `troupe replay` prints at its end. Pure functions.
#pragma once

#include "actors/commands/bench_output.h"
#include "pipeline/replay/topic_replay.h"

#include <string>

namespace troupe::actors {

figures as_figures(const replay::replay_report& r, bool dry_run);
/// A line for each partition and one for all, then what a person should know.
std::string as_text(const replay::replay_report& r, bool dry_run);

}  // namespace troupe::actors
