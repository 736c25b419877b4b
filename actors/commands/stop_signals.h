// SIGINT and SIGTERM for commands that end in order: the first one says that the run shall end, the
// next one ends the process.
#pragma once

#include <atomic>

namespace troupe::actors {

/// From now on.
void end_on_signals();
/// One has come.
const std::atomic<bool>& stop_wanted();

}  // namespace troupe::actors
