// What happens to a simulated node: scraped targets, remote-write clients, queries with their
// checks, deletions, faults.
#pragma once

#include "tests/actors/simulation/oracle.h"
#include "tests/actors/simulation/sim_region.h"
#include "tests/actors/simulation/sim_world.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::simulation {

struct run_result {
  std::string error;  ///< "" if everything held
  uint64_t digest = 0;
  uint64_t batches = 0;
  uint64_t queries_checked = 0;
  uint64_t faults = 0;
  uint64_t restarts = 0;
  uint64_t samples = 0;
  uint64_t published = 0, consumed = 0;  ///< samples, with a region
};

/// Plays one scenario from boot to the final audit after healing.
run_result play(const scenario& s);

/// Targets as the node's fetcher sees them: bodies that follow from target and scrape number, with
/// errors, vanishing series, explicit timestamps and duplicates mixed in.
class sim_fetcher final : public http::fetcher {
 public:
  explicit sim_fetcher(sim_world& w) : world_(w) {}
  void fetch(std::vector<http::fetch_request> batch, done_fn done) override;
  void stop() override {}
  /// Every target's settings at a time of trouble: chance of an error in percent.
  int error_percent = 3;

 private:
  std::string body(size_t target);
  sim_world& world_;
  std::map<size_t, uint64_t> scrapes_;
};

class traffic {
 public:
  explicit traffic(const scenario& s);
  run_result run();

 private:
  actors::config_ptr make_config();
  void schedule_writes();
  void write_once(size_t client);
  void schedule_queries();
  void query_once();
  void check_raw(const std::string& selector, const std::string& series_prefix, int64_t window_ms);
  void check_count(const std::string& series, int64_t window_ms);
  void schedule_deletes();
  void schedule_faults();
  void strike();
  void restart(bool power_cut);
  void damage_wal();
  bool wait_ready(int64_t limit_ms);
  void final_audit();
  void audit_region();
  void compare(const std::string& prefix, timestamp_ms mint, timestamp_ms maxt,
               const http::response& r);
  void fail(std::string why) {
    if (result_.error.empty())
      result_.error = std::move(why);
  }

  scenario scenario_;
  std::unique_ptr<sim_region> region_;  ///< outlives the node; null: this scenario has none
  sim_world world_;
  sim_fetcher* fetcher_;
  oracle oracle_;
  run_result result_;
  std::vector<uint64_t> next_write_;
  bool healed_ = false;  ///< no new faults from here
};

}  // namespace troupe::simulation
