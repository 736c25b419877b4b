// global, storage and runtime blocks. Plain data.
#pragma once

#include "config/scrape_config.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::config {

struct global_config {
  int64_t scrape_interval_ms = 60'000;
  int64_t scrape_timeout_ms = 10'000;
  int64_t evaluation_interval_ms = 60'000;  ///< also the step of a subquery that names none
  int64_t rule_query_offset_ms = 0;
  std::vector<scrape_protocol> scrape_protocols;       ///< empty: each job's own default
  std::map<std::string, std::string> external_labels;  ///< ${VAR} already expanded
  std::string query_log_file;
  std::string scrape_failure_log_file;
  scrape_limits limits;
  name_validation validation = name_validation::utf8;
  std::optional<name_escaping> escaping;  ///< unset: by each job's validation scheme
  bool scrape_native_histograms = false;
  bool always_scrape_classic_histograms = false;
  bool convert_classic_histograms_to_nhcb = false;
  bool extra_scrape_metrics = false;

  bool operator==(const global_config&) const = default;
};

struct storage_config {
  std::optional<int64_t> out_of_order_time_window_ms;  ///< unset: anything inside retention
  std::optional<int64_t> retention_time_ms;            ///< wins over the flag
  std::optional<uint64_t> retention_size;              ///< bytes; wins over the flag
  int64_t max_exemplars = 100'000;                     ///< ≤ 0: none are kept

  bool operator==(const storage_config&) const = default;
};

struct runtime_config {
  int64_t gogc = 75;  ///< read for compatibility; there is no garbage collector to tune

  bool operator==(const runtime_config&) const = default;
};

}  // namespace troupe::config
