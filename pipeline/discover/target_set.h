// What discovery hands on: all targets of all jobs, and what it knows beside them for the API.
// Immutable once shared.
#pragma once

#include "config/scrape_config.h"
#include "pipeline/discover/target.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::http {
class client_settings;
}

namespace troupe::discover {

struct job_targets {
  std::shared_ptr<const config::scrape_config> config;
  std::shared_ptr<const http::client_settings> client;  ///< null if `error` is set for that reason
  std::vector<target_ptr> targets;                      ///< distinct ids, in order of discovery
  /// Not empty: every scrape of the job fails with this (a broken target_limit, unusable TLS
  /// files).
  std::string error;
};

/// The whole target set; each scrape actor keeps its share.
struct target_sets {
  std::vector<job_targets> jobs;  ///< in order of the configuration, with distinct names
};

/// One job as /api/v1/targets and /api/v1/scrape_pools show it.
struct pool_state {
  std::string name;
  size_t active = 0;
  uint64_t dropped_count = 0;   ///< all that relabelling dropped
  std::vector<labels> dropped;  ///< their discovered labels, at most keep_dropped_targets
  uint64_t refused_count = 0;   ///< addresses that gave no valid target
  std::string refused_example;  ///< why, of the first one
  std::vector<std::string>
      errors;  ///< of discoveries whose last refresh failed; their last good list is in use
  std::vector<std::string> inert;  ///< mechanisms in use that give no targets ("kubernetes")
};

struct discovery_state {
  std::vector<pool_state> pools;  ///< as target_sets::jobs
};

}  // namespace troupe::discover
