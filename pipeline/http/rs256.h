// JSON Web Tokens signed with RS256 (RFC 7515, RFC 7518 §3.3). Pure functions.
#pragma once

#include "storage/base/result.h"
#include "storage/base/secret.h"

#include <string>
#include <string_view>

namespace troupe::http {

/// `header` and `claims` are JSON, `key` an RSA private key as PEM text. invalid_argument if it is
/// none; the message does not show it.
result<std::string> signed_jwt(std::string_view header, std::string_view claims, const secret& key);

}  // namespace troupe::http
