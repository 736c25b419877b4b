// The key that AWS gives the container or machine this runs on: ECS, EKS Pod Identity, EC2
// (IMDSv2). Pure functions of the surroundings.
#pragma once

#include "pipeline/credentials/surroundings.h"
#include "pipeline/credentials/temporary_key.h"
#include "pipeline/http/grant.h"

#include <functional>

namespace troupe::credentials {

using key_receiver = std::function<result<http::grant_step>(temporary_key key, int64_t now_ms)>;

/// Begins the talk with the metadata server that the environment names, else EC2's; `then` gets the
/// key. not_found if the environment forbids to ask, invalid_argument if secrets would go astray.
result<http::grant_step> ask_machine(const surroundings& from, key_receiver then);

}  // namespace troupe::credentials
