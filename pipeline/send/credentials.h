// What signs requests to AWS and what gives tokens of Microsoft Entra ID, from the keys of a
// remote_write block. One owner.
#pragma once

#include "config/remote_config.h"
#include "pipeline/http/http.h"
#include "pipeline/http/sigv4.h"
#include "storage/base/file_system.h"
#include "storage/base/result.h"

#include <cstdint>
#include <functional>
#include <string>

namespace troupe::send {

/// The value of an environment variable, "" if it is not set.
using environment_source = std::function<std::string(const std::string& name)>;

/// Access key and region: of the block, else of the environment (AWS_ACCESS_KEY_ID, …), else of
/// the shared files of AWS (~/.aws/credentials, ~/.aws/config) and the profile.
result<http::sigv4_key> aws_key(const config::sigv4_config& c, const environment_source& env,
                                file_system& files);

/// Signs requests; looks for changed keys once a minute.
class aws_signer {
 public:
  aws_signer(config::sigv4_config c, environment_source env, file_system& files)
      : config_(std::move(c)), env_(std::move(env)), files_(files) {}
  /// Adds the headers.
  status sign(http::fetch_request& r, int64_t now_ms);

 private:
  const config::sigv4_config config_;
  const environment_source env_;
  file_system& files_;
  http::sigv4_key key_;
  int64_t read_ms_ = 0;
};

/// The client's configuration with the credentials of azuread's oauth. unsupported for ways of
/// authentication that there are none for.
result<config::http_client_config> client_of(const config::remote_write_config& c);

}  // namespace troupe::send
