// All service discovery of a node: turns the configuration, files and http_sd answers into the
// target sets. Plain class behind the discovery actor; one owner; times are passed in.
#pragma once

#include "config/config.h"
#include "pipeline/discover/environment.h"
#include "pipeline/discover/group_sources.h"
#include "pipeline/discover/target_set.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::discover {

class discovery_manager {
 public:
  explicit discovery_manager(discovery_environment env);
  ~discovery_manager();

  /// Takes a new configuration in force. Discoveries that did not change keep what they found.
  void apply(const std::shared_ptr<const config::config>& conf, int64_t now_ns);
  /// Looks at watched files, refreshes what is due, rebuilds what changed (at most once a second).
  /// Returns the http_sd fetches to start; their results go to on_result(). Call about ten times a
  /// second.
  std::vector<http::fetch_request> tick(int64_t now_ns);
  void on_result(const http::fetch_result& got);
  /// The target sets, if they changed since the last call; else null.
  std::shared_ptr<const target_sets> take_changes();
  /// For the API; never null.
  std::shared_ptr<const discovery_state> state() const { return state_; }

 private:
  struct job {
    std::shared_ptr<const config::scrape_config> config;
    client_settings_ptr client;
    std::string client_error;
    std::unique_ptr<group_sources> sources;
    job_targets targets;
    pool_state pool;
    bool dirty = true;
  };
  struct probe;

  std::unique_ptr<job> make_job(const config::scrape_config& config, job* before, int64_t now_ns);
  void watch_folders();
  void refresh_files(int64_t now_ns);
  void rebuild(job& j);
  void add_group(job& j, target_maker& maker, const config::target_group& group,
                 std::map<uint64_t, target_ptr>& seen,
                 const std::map<uint64_t, target_ptr>& before);
  void publish();

  discovery_environment env_;
  std::unique_ptr<probe> probe_;
  std::vector<std::unique_ptr<job>> jobs_;
  std::shared_ptr<const target_sets> sets_;
  std::shared_ptr<const discovery_state> state_;
  uint64_t next_token_ = 1;
  int64_t next_rebuild_ns_ = 0;
  bool changed_ = false;
};

}  // namespace troupe::discover
