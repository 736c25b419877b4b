// The whole configuration file as plain structs. Immutable once loaded (shared_ptr<const config>):
// any thread.
#pragma once

#include "config/alerting_config.h"
#include "config/global_config.h"
#include "config/own_config.h"
#include "config/remote_config.h"
#include "config/rule_file.h"
#include "config/scrape_config.h"
#include "config/telemetry_config.h"

#include <string>
#include <vector>

namespace troupe::config {

/// A key or mechanism in use that is parsed without acting (see inert.h).
struct inert_use {
  std::string name;   ///< as in the pinned list: "remote_write", "kubernetes_sd_configs"
  std::string where;  ///< "prometheus.yml:12:3: scrape_configs[0].kubernetes_sd_configs"

  bool operator==(const inert_use&) const = default;
};

struct config {
  global_config global;
  runtime_config runtime;
  alerting_config alerting;
  std::vector<std::string> rule_files;           ///< globs, joined with the file's folder
  std::vector<std::string> scrape_config_files;  ///< globs, joined with the file's folder
  std::vector<scrape_config>
      scrape_configs;  ///< those of scrape_config_files come after the main file's
  storage_config storage;
  tracing_config tracing;
  std::vector<remote_write_config> remote_write;
  std::vector<remote_read_config> remote_read;
  otlp_config otlp;
  std::vector<rule_group_config> rule_groups;  ///< read from rule_files
  own_config own;                              ///< of --troupe.config.file
  std::vector<inert_use> inert_uses;
};

}  // namespace troupe::config
