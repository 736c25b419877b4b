// Base64 (RFC 4648 §4), for basic authentication. Pure functions.
#pragma once

#include "storage/base/result.h"

#include <string>
#include <string_view>

namespace troupe::http {

std::string base64_encode(std::string_view bytes);
/// invalid_argument for anything but padded, canonical text.
result<std::string> base64_decode(std::string_view text);

}  // namespace troupe::http
