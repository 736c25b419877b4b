// Shell of pipeline/scrape: a wheel tick starts fetches, results become batches, batches are
// gathered for a moment and go through a window to the router. One actor serves thousands of
// targets.
#pragma once

#include "actors/rt/flow_window.h"
#include "actors/rt/interfaces.h"
#include "actors/rt/open_requests.h"
#include "actors/rt/post_results.h"
#include "config/flags.h"
#include "pipeline/scrape/scrape_pool.h"
#include "storage/base/clock.h"
#include "storage/base/line_log.h"

#include <chrono>
#include <memory>

namespace troupe::actors {

struct scrape_params {
  scrape::pool_options pool;
  discover::endpoint_factory endpoints;
  http::fetcher* fetcher = nullptr;
  clock* clk = nullptr;
  registry* metrics = nullptr;
  line_log* lines = nullptr;  ///< for scrape_failure_log_file; may be null
  size_t window = 8;          ///< lists of batches sent and not answered
  std::chrono::milliseconds longest_tick{1000};
  /// Batches wait at most so long for others to share their way, and at most a fifth of the
  /// shortest interval: one message and one commit for all.
  std::chrono::milliseconds gather{200};
  /// So many samples do not wait any longer.
  size_t gather_samples = 50'000;
};

/// Share `index` of `count`.
scrape_params scrape_params_of(const config::server_flags& f, size_t index, size_t count);

/// Batches on their way, with the tokens that their acks go to.
struct offered_scrapes {
  std::vector<uint64_t> tokens;
  std::vector<batch_ptr> batches;
  int attempts = 0;

  void add(uint64_t token, batch_ptr batch) {
    tokens.push_back(token);
    batches.push_back(std::move(batch));
  }
};

struct scrape_actor_state {
  static inline const char* name = "scrape";
  std::unique_ptr<scrape::scrape_pool> pool;
  std::shared_ptr<result_inbox> inbox = std::make_shared<result_inbox>();
  flow_window<offered_scrapes_ptr> window{1};
  open_requests asked;
  offered_scrapes gathered;
  size_t gathered_samples = 0;
  std::string spare_body;    ///< the memory of the body read last
  int64_t oldest_ns = 0;     ///< when the first of `gathered` came
  int64_t next_tick_ns = 0;  ///< the tick on the clock, if there is one
  bool flush_planned = false;
  links_ptr peers;
  bool stopping = false;
};

scrape_actor::behavior_type scraping(scrape_actor::stateful_pointer<scrape_actor_state> self,
                                     scrape_params params);

}  // namespace troupe::actors
