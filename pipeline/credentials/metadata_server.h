// The server by which a cloud tells a machine about itself. Pure functions.
#pragma once

#include "pipeline/http/http.h"
#include "pipeline/http/transfer_spec.h"

#include <string>

namespace troupe::credentials {

/// GET, with the header by which the server knows that no proxy was talked into it. It is near, or
/// not there at all.
http::transfer_spec metadata_request(std::string url, const http::header& proof);

}  // namespace troupe::credentials
