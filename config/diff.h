// What changed between two configurations, so that a reload restarts that and nothing else. Pure
// function.
#pragma once

#include "config/config.h"

#include <string>
#include <vector>

namespace troupe::config {

/// A job that both have under the same name.
struct job_change {
  std::string job_name;
  bool discovery = false;  ///< where its targets come from
  bool target_labels =
      false;  ///< relabel_configs, scheme, path, params, interval or timeout: targets are made anew
  bool scrape =
      false;  ///< how it is fetched and stored: client, limits, metric relabelling and the rest

  bool operator==(const job_change&) const = default;
};

struct config_diff {
  std::vector<std::string> added_jobs;  ///< sorted, as the others
  std::vector<std::string> removed_jobs;
  std::vector<job_change> changed_jobs;
  bool external_labels = false;
  bool evaluation = false;  ///< evaluation_interval or rule_query_offset
  bool query_log = false;
  bool rules = false;
  bool alerting = false;
  bool remote_write = false;
  bool remote_read = false;
  bool storage = false;
  bool otlp = false;
  bool tracing = false;

  bool empty() const;
};

config_diff diff(const config& before, const config& after);

}  // namespace troupe::config
