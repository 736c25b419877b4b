// OAuth2 client credentials (RFC 6749 §4.4): the token request and what its answer says. Pure
// functions but for the files that the configuration names.
#pragma once

#include "pipeline/http/client_settings.h"
#include "pipeline/http/curl_transfer.h"
#include "storage/base/secret.h"

#include <cstdint>

namespace troupe::http {

struct oauth2_token {
  secret access;
  int64_t lifetime_ms = 0;
};

/// The POST that asks for a token; reads the secret's file now.
result<transfer_spec> token_request(const client_settings& settings, int64_t timeout_ms);
/// unavailable with the server's code, or invalid_argument for an answer that is no token.
result<oauth2_token> read_token(const fetch_result& answer);

}  // namespace troupe::http
