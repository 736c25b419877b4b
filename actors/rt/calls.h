// One HTTP call on its way through the actors: the request, what was gathered for it, and its
// responder. Owned by one actor at a time.
#pragma once

#include "pipeline/api/api.h"
#include "pipeline/http/http.h"

#include <cstddef>

namespace troupe::actors {

struct http_call {
  http::request request;
  http::responder respond;
  const api::route* route = nullptr;  ///< always set
  api::inputs gathered;
  size_t missing = 0;                 ///< answers of other actors still to come
  size_t worker = 0;                  ///< index of the worker that runs it
  std::shared_ptr<const void> place;  ///< in the queue of a receiver, until it is taken
  /// Monotonic deadline in ns for waiting in the queue; 0: none.
  int64_t queue_deadline_ns = 0;
};

}  // namespace troupe::actors
