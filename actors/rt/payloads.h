// What actors of one process send each other: shared pointers to immutable slabs. Forward
// declarations only.
#pragma once

#include "storage/base/result.h"
#include "storage/model/batch.h"

#include <memory>
#include <vector>

namespace troupe::config {
struct config;
}
namespace troupe::http {
struct fetch_result;
}
namespace troupe::ingest {
struct outcome;
}
namespace troupe::discover {
struct target_sets;
struct discovery_state;
}  // namespace troupe::discover
namespace troupe::scrape {
struct pool_states;
}
namespace troupe::notify {
struct alert;
struct alertmanagers_state;
}  // namespace troupe::notify

namespace troupe::actors {

struct http_call;
struct links;
struct offered_scrapes;

using outcome_ptr = std::shared_ptr<const ingest::outcome>;
/// Batches that travel together, and what became of each, in the same order.
using batch_list_ptr = std::shared_ptr<const std::vector<batch_ptr>>;
using outcome_list_ptr = std::shared_ptr<const std::vector<ingest::outcome>>;
using fetch_results_ptr = std::shared_ptr<std::vector<http::fetch_result>>;
using target_sets_ptr = std::shared_ptr<const discover::target_sets>;
using discovery_state_ptr = std::shared_ptr<const discover::discovery_state>;
using pool_states_ptr = std::shared_ptr<const scrape::pool_states>;
using alert_list_ptr = std::shared_ptr<const std::vector<std::shared_ptr<const notify::alert>>>;
using alertmanagers_state_ptr = std::shared_ptr<const notify::alertmanagers_state>;
using config_ptr = std::shared_ptr<const config::config>;
using status_ptr = std::shared_ptr<const status>;
using offered_scrapes_ptr = std::shared_ptr<const offered_scrapes>;
using http_call_ptr = std::shared_ptr<http_call>;
using links_ptr = std::shared_ptr<const links>;

}  // namespace troupe::actors
