// remote_write and remote_read endpoints. Plain data.
#pragma once

#include "config/alerting_config.h"
#include "config/http_client_config.h"
#include "config/relabel_config.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe::config {

/// Microsoft Entra ID; at most one way of authentication is set.
struct azuread_workload_identity_config {
  std::string client_id;
  std::string tenant_id;
  std::string token_file_path = "/var/run/secrets/azure/tokens/azure-identity-token";
  bool operator==(const azuread_workload_identity_config&) const = default;
};

struct azuread_config {
  struct managed_identity_config {
    std::string client_id;
    bool operator==(const managed_identity_config&) const = default;
  };
  struct oauth_config {
    std::string client_id;
    secret client_secret;
    std::string tenant_id;
    bool operator==(const oauth_config&) const = default;
  };
  struct sdk_config {
    std::string tenant_id;
    bool operator==(const sdk_config&) const = default;
  };
  std::string cloud = "AzurePublic";
  std::optional<managed_identity_config> managed_identity;
  std::optional<azuread_workload_identity_config> workload_identity;
  std::optional<oauth_config> oauth;
  std::optional<sdk_config> sdk;
  std::string scope;

  bool operator==(const azuread_config&) const = default;
};

struct google_iam_config {
  std::string credentials_file;

  bool operator==(const google_iam_config&) const = default;
};

struct queue_config {
  int64_t capacity = 10'000;  ///< samples per shard
  int64_t max_shards = 50;
  int64_t min_shards = 1;
  int64_t max_samples_per_send = 2'000;
  int64_t batch_send_deadline_ms = 5'000;
  int64_t min_backoff_ms = 30;
  int64_t max_backoff_ms = 5'000;
  bool retry_on_http_429 = false;
  int64_t sample_age_limit_ms = 0;  ///< 0: send all

  bool operator==(const queue_config&) const = default;
};

struct metadata_config {
  bool send = true;
  int64_t send_interval_ms = 60'000;
  int64_t max_samples_per_send = 2'000;

  bool operator==(const metadata_config&) const = default;
};

struct remote_write_config {
  std::string url;  ///< may hold a password: print it only through mask_url()
  int64_t remote_timeout_ms = 30'000;
  std::map<std::string, std::string> headers;  ///< values may be secret
  std::vector<relabel_config> write_relabel_configs;
  std::string name;
  bool send_exemplars = false;
  bool send_native_histograms = false;
  bool round_robin_dns = false;
  std::string protobuf_message = "prometheus.WriteRequest";
  http_client_config client;  ///< enable_http2 is false by default here
  queue_config queue;
  metadata_config metadata;
  std::optional<sigv4_config> sigv4;
  std::optional<azuread_config> azuread;
  std::optional<google_iam_config> google_iam;

  bool operator==(const remote_write_config&) const = default;
};

struct remote_read_config {
  std::string url;  ///< may hold a password: print it only through mask_url()
  int64_t remote_timeout_ms = 60'000;
  uint64_t chunked_read_limit = 50'000'000;    ///< bytes of one frame
  std::map<std::string, std::string> headers;  ///< values may be secret
  bool read_recent = false;
  std::string name;
  http_client_config client;
  std::map<std::string, std::string> required_matchers;
  bool filter_external_labels = true;

  bool operator==(const remote_read_config&) const = default;
};

}  // namespace troupe::config
