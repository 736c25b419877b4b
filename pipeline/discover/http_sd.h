// http_sd: target groups from an HTTP endpoint that answers JSON. A failed or malformed answer
// keeps the last good groups. Makes requests and takes results; the caller does the fetching. One
// owner.
#pragma once

#include "config/sd_config.h"
#include "pipeline/http/http.h"
#include "storage/base/result.h"

#include <string>
#include <vector>

namespace troupe::discover {

class http_sd {
 public:
  /// A null `to` means `error` is why no endpoint could be made: every refresh fails with it.
  http_sd(config::http_sd_config config, http::endpoint_ptr to, std::string error);

  const config::http_sd_config& config() const { return config_; }
  bool can_fetch() const { return to_ != nullptr; }
  http::fetch_request request(uint64_t token) const;
  /// True if the groups changed.
  bool on_result(const http::fetch_result& got);
  /// Each with the label __meta_url.
  const std::vector<config::target_group>& groups() const { return groups_; }
  /// "url: reason" if the last refresh failed, else "".
  std::string error() const;

  /// The headers every request of `config` carries.
  static http::headers request_headers(const config::http_sd_config& config);

 private:
  result<std::vector<config::target_group>> read(const http::fetch_result& got) const;

  config::http_sd_config config_;
  http::endpoint_ptr to_;
  std::vector<config::target_group> groups_;
  std::string error_;
};

}  // namespace troupe::discover
