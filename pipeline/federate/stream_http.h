// The stream over HTTP: requests and answers of pipeline/federate/stream.h as HTTP ones, both ways.
//   POST /api/v1/federation/stream, a form: subscription, match[]…, label… ("name=value"), keep
//   (bytes), wait (ms), cursor. 200 with a body of remote write 2.0, 204 without; 400 for a request
//   that will not do, 503 for one that may later. The rest is in headers X-Troupe-Federation-….
//   DELETE with subscription: the source keeps nothing for it any more.
#pragma once

#include "pipeline/federate/stream.h"
#include "pipeline/http/http.h"
#include "storage/base/result.h"

#include <string>
#include <string_view>

namespace troupe::federate {

inline constexpr std::string_view stream_path = "/api/v1/federation/stream";

/// invalid_argument for parameters that are no numbers or labels.
result<stream_request> read_request(const http::request& r);
http::response to_response(stream_answer a);

/// The form.
std::string to_form(const stream_request& r);
/// What the source says; a failure of the way is its `error`, `unavailable`. The body is expanded.
stream_answer read_answer(http::fetch_result got);

}  // namespace troupe::federate
