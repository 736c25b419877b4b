// alerting: where alerts are sent. Plain data.
#pragma once

#include "config/http_client_config.h"
#include "config/relabel_config.h"
#include "config/sd_config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace troupe::config {

/// AWS signature version 4.
struct sigv4_config {
  std::string region;
  std::string access_key;
  secret secret_key;
  std::string profile;
  std::string role_arn;
  std::string external_id;
  bool use_fips_sts_endpoint = false;
  std::string service_name;

  bool operator==(const sigv4_config&) const = default;
};

struct alertmanager_config {
  std::string scheme = "http";
  std::string path_prefix;
  int64_t timeout_ms = 10'000;
  std::string api_version = "v2";
  std::optional<sigv4_config> sigv4;
  http_client_config client;
  service_discovery discovery;
  std::vector<relabel_config> relabel_configs;
  std::vector<relabel_config> alert_relabel_configs;

  bool operator==(const alertmanager_config&) const = default;
};

struct alerting_config {
  std::vector<relabel_config> alert_relabel_configs;
  std::vector<alertmanager_config> alertmanagers;

  bool operator==(const alerting_config&) const = default;
};

}  // namespace troupe::config
