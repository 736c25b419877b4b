// Shell of pipeline/scrape: a wheel tick starts fetches, results become batches, batches go through a window to the
// router. One actor serves thousands of targets.
#pragma once

#include <chrono>
#include <memory>

#include "actors/rt/flow_window.h"
#include "actors/rt/interfaces.h"
#include "config/flags.h"
#include "pipeline/scrape/scrape_pool.h"
#include "storage/base/clock.h"
#include "storage/base/line_log.h"

namespace troupe::actors {

struct scrape_params {
  scrape::pool_options pool;
  discover::endpoint_factory endpoints;
  http::fetcher* fetcher = nullptr;
  clock* clk = nullptr;
  registry* metrics = nullptr;
  line_log* lines = nullptr;                  ///< for scrape_failure_log_file; may be null
  size_t window = 64;                         ///< batches sent and not answered
  std::chrono::milliseconds longest_tick{1000};
};

/// Share `index` of `count`.
scrape_params scrape_params_of(const config::server_flags& f, size_t index, size_t count);

struct scrape_actor_state {
  static inline const char* name = "scrape";
  struct item {
    uint64_t token;
    batch_ptr batch;
    int attempts;
  };
  std::unique_ptr<scrape::scrape_pool> pool;
  flow_window<item> window{64};
  links_ptr peers;
  bool stopping = false;
};

scrape_actor::behavior_type scraping(scrape_actor::stateful_pointer<scrape_actor_state> self, scrape_params params);

}  // namespace troupe::actors
