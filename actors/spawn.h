// The actors of a node as supervised children, in start order. The one place that knows them all.
#pragma once

#include "actors/rt/interfaces.h"
#include "actors/rt/supervisor.h"

#include <caf/actor_system.hpp>

#include <functional>
#include <string>
#include <vector>

namespace troupe::actors {

/// Stop phases, in order: no new requests, then no new scrapes, then what is on its way, then the
/// disks.
enum stop_phase : int { stop_front = 0, stop_sources = 1, stop_routing = 2, stop_storage = 3 };

/// Starts `factory(args…)` as an actor with or without a thread of its own.
template <class Factory, class Params>
caf::actor spawn_child(caf::actor_system& sys, bool detached, Factory factory,
                       const Params& params) {
  if (detached)
    return caf::actor_cast<caf::actor>(sys.spawn<caf::detached>(factory, params));
  return caf::actor_cast<caf::actor>(sys.spawn(factory, params));
}

/// Writes the handle of the child called `name` ("ingest-0") into its place. False for an unknown
/// name.
bool adopt_handle(links& all, const std::string& name, const caf::actor& handle);

}  // namespace troupe::actors
