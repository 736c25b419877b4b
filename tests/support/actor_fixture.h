// A deterministic actor system: one thread, virtual time, the test decides what runs when. For
// tests of actor shells.
#pragma once

#include "actors/rt/type_ids.h"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <caf/scoped_actor.hpp>
#include <gtest/gtest.h>

#include <chrono>

namespace troupe::actors {

struct test_system_config : caf::actor_system_config {
  test_system_config() {
    set("scheduler.policy", caf::atom("testing"));
    add_message_types<caf::id_block::troupe>();
  }
};

class actor_test : public ::testing::Test {
 protected:
  actor_test() { sched.clock().current_time += std::chrono::hours(1); }

  void run() {
    while (sched.try_run_once()) {
    }
  }
  /// Lets `total` pass in steps of `step`, running everything that becomes due.
  void advance(std::chrono::milliseconds total,
               std::chrono::milliseconds step = std::chrono::milliseconds(10)) {
    run();
    for (std::chrono::milliseconds t{0}; t < total; t += step) {
      sched.clock().advance_time(step);
      run();
    }
  }
  template <class Handle>
  void kill(const Handle& h) {
    self->send_exit(h, caf::exit_reason::kill);
    run();
  }

  test_system_config cfg;
  caf::actor_system sys{cfg};
  caf::scheduler::test_coordinator& sched{
      dynamic_cast<caf::scheduler::test_coordinator&>(sys.scheduler())};
  caf::scoped_actor self{sys, true};
};

}  // namespace troupe::actors
