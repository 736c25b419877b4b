// The last step of a fetch: the body as it came in becomes the result's body, at once or when its
// reader comes to it.
#pragma once

#include "pipeline/http/bounded_decoder.h"
#include "pipeline/http/http.h"

#include <memory>
#include <string>

namespace troupe::http {

class body_buffer;

/// A body as it came in. What waits to be read takes the room of its coded form only.
struct coded_body {
  decoded_body wire;  ///< not decoded yet
  encoding how = encoding::identity;
  std::shared_ptr<byte_budget> budget;
  uint64_t max_bytes = 0;
};

/// Decodes if there is a coding, sets body and charge of `out`, or its error. With `keep_coded` a
/// body that has a coding goes into out.coded instead.
void finish_body(body_buffer& from, const std::string& coding, std::shared_ptr<byte_budget> budget,
                 uint64_t max_bytes, bool keep_coded, fetch_result& out);

/// Decodes what fetch_request::keep_coded left: sets body and charge of `r`, or its error. No
/// effect on other results. `spare` is memory for the body, best that of the one read before.
void expand_body(fetch_result& r, std::string spare);

}  // namespace troupe::http
