// The last step of a fetch: the body as it came in becomes the result's body.
#pragma once

#include "pipeline/http/body_buffer.h"
#include "pipeline/http/http.h"

#include <memory>
#include <string>

namespace troupe::http {

/// Decodes if there is a coding; sets body and charge of `out`, or its error.
void finish_body(body_buffer& from, const std::string& coding, std::shared_ptr<byte_budget> budget,
                 uint64_t max_bytes, fetch_result& out);

}  // namespace troupe::http
