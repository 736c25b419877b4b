// Access keys of AWS from where they lie: the configuration, the environment, AWS' shared files.
// Pure functions of these.
#pragma once

#include "config/alerting_config.h"
#include "pipeline/credentials/surroundings.h"
#include "pipeline/http/sigv4.h"
#include "storage/base/result.h"

#include <string>

namespace troupe::credentials {

/// The region of the block, else of the environment (AWS_REGION, …) or the profile in
/// ~/.aws/config. invalid_argument if there is none.
result<std::string> aws_region(const config::sigv4_config& c, const surroundings& from);
/// The key of the block, else of the environment (AWS_ACCESS_KEY_ID, …) or the profile in
/// ~/.aws/credentials, with the region; a key without text if there is none.
result<http::sigv4_key> aws_key(const config::sigv4_config& c, const surroundings& from);

}  // namespace troupe::credentials
