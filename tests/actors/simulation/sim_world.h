// A whole node in one thread, from one seed: virtual time, simulated files, targets and clients,
// faults. The same seed gives the same history.
#pragma once

#include "actors/node.h"
#include "pipeline/http/http.h"
#include "storage/base/clock.h"
#include "storage/base/random.h"
#include "tests/support/sim_file_system.h"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace troupe::simulation {

/// How much happens, and which faults. Everything else follows from the seed.
struct scenario {
  uint64_t seed = 1;
  int64_t length_ms = 7 * 60 * 1000 + 30'000;
  bool faults = true;
  bool wal_damage = false;  ///< a bit of the WAL is flipped during a restart
  bool region = false;      ///< a Kafka cluster connects the node with another region
};

/// Time, scheduler and node lifecycle. What the targets and clients do is traffic.h's matter.
class sim_world {
 public:
  explicit sim_world(uint64_t seed);
  ~sim_world();

  // --- time ---
  /// Runs `f` at `ms` of virtual time from now; dropped if the node has died by then when
  /// `with_node`.
  void in(int64_t ms, std::function<void()> f, bool with_node = false);
  int64_t now_ms() const { return clk.now_ms(); }
  int64_t elapsed_ms() const { return clk.now_ms() - start_ms_; }
  /// Runs actors in seeded order until nothing is ready, then moves to the next event; once.
  void step();
  void run_until(int64_t elapsed);
  /// Like step() until `done` holds; false if `limit_ms` of virtual time passed first.
  bool run_while_not(const std::function<bool()>& done, int64_t limit_ms);

  // --- node ---
  void boot();
  /// Ends the node at once: power cut (unsynced bytes are lost or torn) or kill -9.
  void crash(bool power_cut);
  /// Ordered stop; "" or why the storage did not close.
  std::string stop();
  /// Booted and not yet buried by crash() or stop(), alive or dying.
  bool running() const { return node_ != nullptr; }
  bool alive() const { return node_ != nullptr && !dead_; }
  actors::node& node() { return *node_; }
  /// Of the present life.
  registry& metrics() { return *metrics_; }
  uint64_t incarnation() const { return incarnation_; }
  /// Set by the node's fatal(): it must be buried by crash() before the next boot.
  bool dead() const { return dead_; }
  const std::string& cause_of_death() const { return cause_; }
  /// A request through the node's own API; the answer comes in virtual time, or never if the node
  /// dies.
  void call(http::request r, std::function<void(const http::response&)> then);

  /// Folded over everything observable: two runs of a seed must agree.
  void note(std::string_view what) { digest_ = digest_ * 0x9e3779b97f4a7c15ULL + hash(what); }
  uint64_t digest() const { return digest_; }
  /// What the node's canary has counted, over all lives.
  struct audit_counts {
    uint64_t checked = 0, missing = 0, doubled = 0, wrong = 0, failed = 0;
  };
  audit_counts audited() const;
  uint64_t faults_struck() const { return faults_; }
  void count_fault() { ++faults_; }

  manual_clock clk;
  seeded_random rng;
  support::sim_file_system fs;
  std::unique_ptr<http::fetcher> fetcher;  ///< set by the traffic before boot()
  kafka::connector* kafka = nullptr;       ///< null: there is none
  std::function<result<actors::config_ptr>()> load_config;
  std::function<void(const batch_ptr&)> on_offer;
  std::function<void(const batch_ptr&, const ingest::outcome&)> on_outcome;
  std::function<void(registry&)> on_end;  ///< of a life, with what it counted; may be empty
  /// Microseconds of virtual time that a sync takes; a slow disk makes it large.
  int64_t sync_cost_us = 200;

 private:
  static uint64_t hash(std::string_view what);
  caf::scheduler::test_coordinator& sched();
  bool run_one_job();
  void advance_to(int64_t mono_ns);
  void bury();

  struct event {
    std::function<void()> run;
    uint64_t incarnation;  ///< 0: of no node
  };
  int64_t start_ms_;
  std::multimap<int64_t, event> events_;  ///< by monotonic ns
  std::unique_ptr<caf::actor_system_config> cfg_;
  std::unique_ptr<caf::actor_system> sys_;
  std::unique_ptr<registry> metrics_;
  std::unique_ptr<actors::node> node_;
  uint64_t incarnation_ = 0;
  audit_counts audited_;  ///< of earlier lives
  bool dead_ = false;
  std::string cause_;
  std::string close_error_;
  uint64_t digest_ = 0;
  uint64_t faults_ = 0;
};

}  // namespace troupe::simulation
