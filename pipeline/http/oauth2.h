// OAuth2 (RFC 6749): the source of grants of an oauth2 block, by client credentials (§4.4), and
// what a token server's answer says.
#pragma once

#include "pipeline/http/client_settings.h"
#include "pipeline/http/grant.h"
#include "storage/base/secret.h"

#include <cstdint>
#include <memory>

namespace troupe::http {

struct oauth2_token {
  secret access;
  int64_t lifetime_ms = 0;
};

/// `settings` has an oauth2 block, and outlives the source.
std::unique_ptr<const grant_source> make_oauth2_source(const client_settings& settings);
/// The POST of a form to a token endpoint. invalid_argument if that is no URL.
result<transfer_spec> token_request(std::string_view url, const params& form);
/// unavailable with the server's code and what it says (§5.2), or invalid_argument for an answer
/// that is no token. `now_ms` for servers that tell when it ends instead of how long it lasts.
result<oauth2_token> read_token(const fetch_result& answer, int64_t now_ms);

}  // namespace troupe::http
