// HTTP status codes with their reason, for error messages.
#pragma once

#include <string>

namespace troupe::discover {

/// "404 Not Found"; only the number for an unknown code.
std::string http_status(int code);

}  // namespace troupe::discover
