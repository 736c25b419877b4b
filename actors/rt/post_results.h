// The way back from the I/O threads: fetch results become one message to the actor that asked.
#pragma once

#include <caf/send.hpp>

#include <utility>

#include "actors/rt/type_ids.h"
#include "pipeline/http/http.h"

namespace troupe::actors {

/// `done` for http::fetcher::fetch; may be called on any thread.
template <class Handle>
http::fetcher::done_fn post_results(Handle to) {
  return [to = std::move(to)](std::vector<http::fetch_result> got) {
    caf::anon_send(to, fetched_atom_v, std::make_shared<std::vector<http::fetch_result>>(std::move(got)));
  };
}

}  // namespace troupe::actors
