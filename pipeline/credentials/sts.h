// AWS' Security Token Service: temporary keys of a role. What to ask, and what the answer says.
// Pure functions. Source: docs.aws.amazon.com/STS/latest/APIReference
#pragma once

#include "pipeline/credentials/surroundings.h"
#include "pipeline/credentials/temporary_key.h"
#include "pipeline/http/http.h"
#include "pipeline/http/sigv4.h"
#include "pipeline/http/transfer_spec.h"
#include "storage/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::credentials {

/// The URL of the service in a region; AWS_ENDPOINT_URL_STS and AWS_ENDPOINT_URL replace it.
std::string sts_url(const std::string& region, bool fips, const surroundings& from);

struct role {
  std::string arn, external_id;
  std::string session;  ///< the name of the session, in AWS' logs
};

/// AssumeRole, signed with `key`.
result<http::transfer_spec> assume_role(const role& r, http::sigv4_key key, const std::string& url,
                                        int64_t now_ms);
/// AssumeRoleWithWebIdentity, which a token of an OpenID provider authorises.
result<http::transfer_spec> assume_role_with_token(const role& r, const std::string& token,
                                                   const std::string& url);

/// unavailable with the service's code and message, or invalid_argument for what is no such answer.
result<temporary_key> read_sts_answer(const http::fetch_result& answer);
/// The XML of an answer; see above. `code` is that of HTTP.
result<temporary_key> parse_sts_answer(int code, std::string_view xml);

}  // namespace troupe::credentials
