// The web configuration in force: TLS context, users, headers, rate limit. Watches its files and
// swaps in new settings when they change; a bad change is told once and the old ones stay.
// Thread-safe.
#pragma once

#include "config/web_config.h"
#include "pipeline/http/tls.h"
#include "storage/base/result.h"

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe {
class clock;
class file_system;
}  // namespace troupe

namespace troupe::http {

/// Immutable; a connection or request keeps the one it started with.
struct web_policy {
  config::web_config config;
  tls_context tls;  ///< null = plain HTTP
};
using web_policy_ptr = std::shared_ptr<const web_policy>;

class web_guard {
 public:
  /// `path` "" = an empty policy for ever.
  web_guard(std::string path, file_system& files, const clock& clk);

  /// Reads everything; the error has all problems.
  status load();
  /// The policy for a request; looks at the configuration file's stamp.
  web_policy_ptr for_request();
  /// The policy for a connection; looks at certificate, key and CA files too.
  web_policy_ptr for_connection();
  /// Takes one token of the rate limit.
  bool admit(const web_policy& policy);
  /// Changes that could not be taken over.
  uint64_t failed_reloads() const;

 private:
  struct stamp {
    int64_t modified_ns = 0;
    int64_t size = -1;
    uint64_t inode = 0;
    bool operator==(const stamp&) const = default;
  };
  static stamp look_at(const std::string& path);
  web_policy_ptr refresh(bool all_files);
  std::vector<stamp> stamps(const config::web_config& of, bool all_files) const;

  const std::string path_;
  file_system& files_;
  const clock& clock_;
  mutable std::mutex lock_;  ///< guards all below
  web_policy_ptr current_;
  std::vector<stamp> seen_;      ///< of what is in force, configuration file first
  std::vector<stamp> rejected_;  ///< of what was refused last
  uint64_t failed_reloads_ = 0;
  double tokens_ = 0;
  int64_t tokens_at_ns_ = 0;
  config::web_rate_limit tokens_of_;
};

}  // namespace troupe::http
