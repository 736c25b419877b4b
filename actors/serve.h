// The server process: effects of the real world, a node, its HTTP server, signals, ordered stop.
#pragma once

#include "config/flags.h"

namespace troupe::actors {

/// Runs until SIGTERM, SIGINT or /-/quit; returns the exit code. SIGHUP reloads the configuration.
int serve(const config::command_line& command);

}  // namespace troupe::actors
