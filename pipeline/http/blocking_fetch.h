// Fetches for a caller whose thread may wait: it does, until every one is over or nobody wants them
// any more.
#pragma once

#include "pipeline/http/http.h"

#include <atomic>
#include <vector>

namespace troupe::http {

/// The results in the order of the requests, whose tokens are overwritten. They end by their
/// timeouts at the latest; once `cancel` (may be null) is set, those not over yet are `canceled`.
std::vector<fetch_result> fetch_and_wait(fetcher& from, std::vector<fetch_request> requests,
                                         const std::atomic<bool>* cancel);

}  // namespace troupe::http
