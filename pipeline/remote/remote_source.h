// One remote_read block of the configuration, ready to be asked. Immutable; any thread.
#pragma once

#include "config/config.h"
#include "pipeline/http/http.h"
#include "pipeline/remote/read_codec.h"
#include "storage/base/stats.h"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace troupe::remote {

/// How an endpoint with a block's client settings comes about.
using read_endpoint_factory = std::function<result<http::endpoint_ptr>(
    const std::string& url, const config::http_client_config&, http::headers)>;

class remote_source {
 public:
  /// invalid_argument if the client settings do not hold.
  static result<std::shared_ptr<const remote_source>> create(const config::remote_read_config& from,
                                                             const config::global_config& global,
                                                             const read_endpoint_factory& endpoints,
                                                             registry& metrics);

  /// What to ask for `q`; nothing if the required matchers are not among those of `q`, or what is
  /// stored here since `local_start` answers all of it.
  std::optional<http::fetch_request> request_for(read_query q, timestamp_ms local_start) const;
  /// The series of an answer within [mint, maxt], in label order. The errors say what Prometheus'
  /// do.
  result<std::unique_ptr<storage::series_set>> read(http::fetch_result&& answer,
                                                    const matchers& asked, timestamp_ms mint,
                                                    timestamp_ms maxt) const;

 private:
  remote_source() = default;
  result<std::unique_ptr<storage::series_set>> read_body(http::fetch_result&& answer,
                                                         const matchers& asked, timestamp_ms mint,
                                                         timestamp_ms maxt) const;
  bool is_asked(const matchers& ms, const std::string& name) const;

  config::remote_read_config config_;
  std::string shown_url_;  ///< without a password
  http::endpoint_ptr to_;
  std::vector<std::pair<std::string, std::string>> external_;  ///< to be asked for and taken away
  counter* succeeded_ = nullptr;
  counter* failed_ = nullptr;
};
using remote_sources = std::vector<std::shared_ptr<const remote_source>>;

}  // namespace troupe::remote
