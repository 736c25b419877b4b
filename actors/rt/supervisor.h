// Supervises a node's actors: ordered start, monitors, heartbeats, restart of leaves with back-off,
// process end when a core actor dies or the restart budget is spent, ordered stop with deadlines.
// Detached in production; under the test scheduler an ordinary actor.
#pragma once

#include "storage/base/stats.h"

#include <caf/actor.hpp>
#include <caf/event_based_actor.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace troupe::actors {

/// Exit codes of the process (sysexits.h); named in the log and in the README.
enum class exit_code : int {
  ok = 0,
  usage = 2,
  core_actor_died = 70,  ///< EX_SOFTWARE
  storage_broken = 74,   ///< EX_IOERR: a WAL write or fsync failed; what was acked is safe
  hung = 75,             ///< EX_TEMPFAIL: no progress, the watchdog gave up
};

struct child_spec {
  std::string name;
  /// Spawns the actor (not linked, not monitored).
  std::function<caf::actor()> start;
  /// Leaves are restarted; the death of any other child ends the process.
  bool leaf = true;
  /// Children of one phase stop together; phases stop in ascending order.
  int stop_phase = 0;
  std::chrono::milliseconds heartbeat_every{5000};
  /// A child that does not answer a ping for so long is replaced (leaf) or ends the process. 0: no
  /// heartbeat.
  std::chrono::milliseconds heartbeat_timeout{30000};
};

struct supervisor_options {
  std::vector<child_spec> children;  ///< started in this order
  std::chrono::milliseconds min_backoff{100};
  std::chrono::milliseconds max_backoff{10000};
  size_t max_restarts = 10;  ///< of one child within restart_window
  std::chrono::seconds restart_window{60};
  std::chrono::milliseconds phase_deadline{2500};
  /// Told about every (re)start, so that the node can publish new handles.
  std::function<void(const std::string& name, const caf::actor& handle)> started;
  /// Ends the process; must not return to normal operation.
  std::function<void(exit_code code, const std::string& why)> fatal;
  /// Called at every heartbeat round: the process watchdog's sign of life.
  std::function<void()> alive;
  registry* metrics = nullptr;
};

/// Messages: (stop) -> (stopped) stops all children phase by phase; (ping) -> (pong).
caf::behavior supervisor(caf::event_based_actor* self, supervisor_options options);

}  // namespace troupe::actors
