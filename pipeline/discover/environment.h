// What discovery needs from outside. Everything must outlive who uses it.
#pragma once

#include "config/http_client_config.h"
#include "pipeline/discover/file_watcher.h"
#include "pipeline/http/http.h"
#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/base/stats.h"

#include <functional>
#include <memory>
#include <string_view>

namespace troupe::config {
struct sigv4_config;
}
namespace troupe::http {
class client_settings;
}

namespace troupe::discover {

using client_settings_ptr = std::shared_ptr<const http::client_settings>;
using grant_source_ptr = std::shared_ptr<const http::grant_source>;

/// How endpoints come about (http::make_client_settings and http::make_endpoint in production).
struct endpoint_factory {
  std::function<result<client_settings_ptr>(const config::http_client_config&)> settings;
  std::function<result<http::endpoint_ptr>(std::string_view url, client_settings_ptr,
                                           http::headers)>
      endpoint;
  /// What signs requests to AWS.
  std::function<grant_source_ptr(const config::sigv4_config&)> signing;
};

struct discovery_environment {
  file_system* files = nullptr;
  file_watcher* watcher = nullptr;  ///< may be null: then files are found by their refresh interval
  registry* metrics = nullptr;
  endpoint_factory endpoints;
};

}  // namespace troupe::discover
