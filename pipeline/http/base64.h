// Base64 (RFC 4648), for basic authentication and signed tokens. Pure functions.
#pragma once

#include "storage/base/result.h"

#include <string>
#include <string_view>

namespace troupe::http {

std::string base64_encode(std::string_view bytes);
/// Of the alphabet for URLs (§5), without padding.
std::string base64url_encode(std::string_view bytes);
/// invalid_argument for anything but padded, canonical text.
result<std::string> base64_decode(std::string_view text);

}  // namespace troupe::http
