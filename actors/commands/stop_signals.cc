#include "actors/commands/stop_signals.h"

#include <csignal>

namespace troupe::actors {

namespace {

std::atomic<bool> wanted{false};

}  // namespace

void end_on_signals() {
  wanted = false;
  for (const int s : {SIGINT, SIGTERM})
    std::signal(s, [](int which) {
      wanted = true;
      std::signal(which, SIG_DFL);
    });
}

const std::atomic<bool>& stop_wanted() {
  return wanted;
}

}  // namespace troupe::actors
