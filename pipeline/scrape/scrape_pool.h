// The targets of one scrape actor: when each is due, what its fetch is, what became of it. A thin
// shell around it only moves requests, results, batches and acks. Plain class; one owner; times are
// passed in.
#pragma once

#include "pipeline/discover/discovery_manager.h"
#include "pipeline/discover/target_set.h"
#include "pipeline/http/http.h"
#include "pipeline/scrape/scraper.h"
#include "pipeline/scrape/timer_wheel.h"
#include "storage/base/stats.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::scrape {

struct pool_options {
  std::string tenant;
  uint64_t default_body_limit = 64ULL << 20;  ///< for jobs without body_size_limit
  bool extra_scrape_metrics = false;          ///< also where the job does not ask for them
  /// --enable-feature=created-timestamp-zero-ingestion
  bool zero_at_start = false;
  uint64_t line_secret = 0;  ///< a random number; keys the line hashes
  /// This pool takes the targets of its share of all.
  size_t share_index = 0;
  size_t share_count = 1;
};

/// Everything must outlive the pool.
struct pool_environment {
  registry* metrics = nullptr;
  discover::endpoint_factory endpoints;  ///< only `endpoint` is used
  /// May be empty. Called for each scrape whose fetch failed, if its job has a
  /// scrape_failure_log_file (a body that cannot be read is not logged there, as in Prometheus).
  std::function<void(const config::scrape_config&, const discover::target&, std::string_view error)>
      on_failure;
};

struct pool_time {
  timestamp_ms wall_ms = 0;
  int64_t monotonic_ns = 0;
};

/// A batch to store; its token goes to on_ack() when it is stored (or refused for good).
struct outgoing {
  uint64_t token = 0;
  batch_ptr batch;
};
struct due_work {
  std::vector<http::fetch_request> fetches;  ///< their results, expanded, go to on_result()
  std::vector<outgoing> batches;
};

enum class target_health : uint8_t { unknown, up, down };
std::string_view to_string(target_health h);

/// One active target as /api/v1/targets shows it.
struct target_status {
  std::string pool;  ///< job name of the configuration
  discover::target_ptr target;
  target_health health = target_health::unknown;
  std::string last_error;           ///< why it is down, or what was not stored of its last scrape
  timestamp_ms last_scrape_ms = 0;  ///< 0: never
  int64_t last_duration_ns = 0;
};
struct pool_states {
  std::vector<target_status> targets;  ///< by pool, then URL
};

class scrape_pool {
 public:
  scrape_pool(pool_options options, pool_environment env, pool_time now);
  ~scrape_pool();

  /// Takes the new whole target set in force. Targets that stay keep their state; those that are
  /// gone get stale markers when they have not come back after two intervals.
  void apply(const discover::target_sets& sets, pool_time now);
  /// What is to be done now. Call when until_due_ms() is over.
  due_work due(pool_time now);
  /// How long due() may wait, at most `longest_ms`. What falls into one step goes together, so that
  /// a start is up to a step late: a step is a twentieth of the shortest interval, at least a wheel
  /// slot and at most 100 ms. Steps lie on the wall clock: pools of a node wake up together.
  int64_t until_due_ms(pool_time now, int64_t longest_ms) const;
  int64_t step_ms() const { return step_ms_; }
  /// The batch of a finished fetch; nothing if its target is gone.
  std::optional<outgoing> on_result(const http::fetch_result& got, pool_time now);
  /// `refusal` says what was not stored of the batch, though the rest was.
  void on_ack(uint64_t token, std::string refusal = {});

  size_t size() const { return by_key_.size(); }
  pool_states states() const;
  /// Bytes held for the targets and their series.
  size_t heap_bytes() const;

 private:
  struct job;
  struct entry;
  struct probe;
  using job_ptr = std::shared_ptr<const job>;

  bool is_mine(uint64_t target_id) const;
  job_ptr make_job(const discover::job_targets& from) const;
  void apply_target(const discover::target_ptr& t, const job_ptr& j, uint64_t round, pool_time now);
  uint32_t add_entry();
  void remove_entry(uint32_t index);
  void retire(uint32_t index);
  void schedule(uint32_t index, timestamp_ms after);
  void index_labels(uint32_t index);
  void forget_labels(uint32_t index);

  scrape_settings settings() const {
    return {options_.tenant, options_.extra_scrape_metrics, options_.zero_at_start};
  }
  void plan_anew(pool_time now);
  void start(uint32_t index, pool_time now, due_work& out);
  void end_retired(uint32_t index, due_work& out);
  bitmap produced_elsewhere(uint32_t index) const;
  std::string ensure_endpoint(entry& e) const;
  outgoing emit(uint32_t index, scrape_result&& r, timestamp_ms started, int64_t duration_ns);
  void count(const entry& e, const scrape_result& r);
  uint64_t token_of(uint32_t index) const;
  entry* find(uint64_t token);

  pool_options options_;
  pool_environment env_;
  std::unique_ptr<probe> probe_;
  scrape_scratch scratch_;
  timer_wheel wheel_;
  std::vector<std::unique_ptr<entry>> entries_;
  std::vector<uint32_t> free_;
  std::unordered_map<uint64_t, uint32_t> by_key_;          ///< active ones, by job and target id
  std::unordered_multimap<uint64_t, uint32_t> by_labels_;  ///< active ones, by public labels
  std::unordered_map<uint64_t, uint32_t> retired_;         ///< by job and target id
  std::vector<std::pair<std::string, job_ptr>> jobs_;
  std::vector<uint32_t> due_now_;
  int64_t step_ms_;               ///< see until_due_ms()
  timestamp_ms last_due_ms_ = 0;  ///< the last call of due()
  uint64_t round_ = 0;
  uint32_t next_generation_ = 1;
};

}  // namespace troupe::scrape
