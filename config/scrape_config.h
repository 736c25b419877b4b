// One scrape job with everything that global sets already filled in. Plain data.
#pragma once

#include "config/http_client_config.h"
#include "config/relabel_config.h"
#include "config/sd_config.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::config {

enum class scrape_protocol : unsigned char {
  prometheus_proto,      ///< PrometheusProto
  openmetrics_text_1_0,  ///< OpenMetricsText1.0.0
  openmetrics_text_0_1,  ///< OpenMetricsText0.0.1
  prometheus_text_1_0,   ///< PrometheusText1.0.0
  prometheus_text_0_4,   ///< PrometheusText0.0.4
};
/// The name used in configuration files.
std::string_view to_string(scrape_protocol p);

enum class name_validation : unsigned char { utf8, legacy };
/// What is asked for in the Accept header's escaping= parameter.
enum class name_escaping : unsigned char { allow_utf8, underscores, dots, values };
/// "allow-utf-8", "underscores", "dots", "values"
std::string_view to_string(name_escaping e);

/// Limits of one scrape; 0 = none. A broken one fails the whole scrape, as in Prometheus.
struct scrape_limits {
  uint64_t body_size = 0;  ///< bytes after decompression; 0: the server's own cap applies
  uint64_t samples = 0;    ///< after metric relabelling
  uint64_t targets = 0;    ///< after target relabelling
  uint64_t labels = 0;
  uint64_t label_name_length = 0;
  uint64_t label_value_length = 0;
  uint64_t keep_dropped_targets = 0;

  bool operator==(const scrape_limits&) const = default;
};

struct scrape_config {
  std::string job_name;
  int64_t scrape_interval_ms = 0;
  int64_t scrape_timeout_ms = 0;
  std::vector<scrape_protocol> scrape_protocols;  ///< most wanted first; never empty after loading
  std::optional<scrape_protocol> fallback_scrape_protocol;
  std::string metrics_path = "/metrics";
  std::string scheme = "http";
  std::map<std::string, std::vector<std::string>> params;
  bool honor_labels = false;
  bool honor_timestamps = true;
  bool track_timestamps_staleness = false;
  bool enable_compression = true;
  bool extra_scrape_metrics = false;
  std::string scrape_failure_log_file;
  scrape_limits limits;
  name_validation validation = name_validation::utf8;
  name_escaping escaping = name_escaping::allow_utf8;
  bool scrape_native_histograms = false;
  bool always_scrape_classic_histograms = false;
  bool convert_classic_histograms_to_nhcb = false;
  uint64_t native_histogram_bucket_limit = 0;
  double native_histogram_min_bucket_factor = 0;
  http_client_config client;
  service_discovery discovery;
  std::vector<relabel_config> relabel_configs;
  std::vector<relabel_config> metric_relabel_configs;
  std::string source_file;  ///< the file of scrape_config_files it came from; "" = the main file

  bool operator==(const scrape_config&) const = default;
};

}  // namespace troupe::config
