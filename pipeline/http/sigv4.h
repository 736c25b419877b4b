// AWS Signature Version 4 of a request, in its Authorization header. Pure functions. Source:
// docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
#pragma once

#include "pipeline/http/http.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::http {

struct sigv4_key {
  std::string access_key;
  std::string secret_key;
  std::string session_token;  ///< of temporary credentials; else ""
  std::string region;
  std::string service;
};

/// Headers to add: X-Amz-Date, X-Amz-Security-Token if there is a token, and Authorization, which
/// signs host, these and `signed_too`. `target` is the path with the query, as it is sent.
headers sign_v4(const sigv4_key& key, std::string_view method, std::string_view host,
                std::string_view target, headers signed_too, std::string_view body, int64_t now_ms);

/// HMAC-SHA256, the key first (RFC 2104).
std::string hmac_sha256(std::string_view key, std::string_view data);
std::string sha256(std::string_view data);
/// Two lower-case digits a byte.
std::string hex(std::string_view bytes);

}  // namespace troupe::http
