// Bridges the HTTP server's callbacks to the actors: gathers what the route needs, gives the call
// to a worker. Queries have workers of their own (query.max-concurrency); everything else that
// takes time shares the reserve, so that a page or a metrics scrape never waits behind heavy
// queries.
#pragma once

#include "actors/rt/calls.h"
#include "actors/rt/interfaces.h"
#include "storage/base/clock.h"
#include "storage/base/stats.h"

#include <deque>
#include <memory>
#include <vector>

namespace troupe::actors {

struct http_params {
  const api::api* api = nullptr;
  clock* clk = nullptr;
  registry* metrics = nullptr;
  size_t query_workers = 20;   ///< the first of links::query
  size_t reserve_workers = 4;  ///< the rest
  size_t max_queue = 1024;     ///< calls waiting per kind; above: 503
  int64_t queue_timeout_ms = 120'000;
  size_t read_limit = 10;  ///< remote reads under way at a time; 0: no bound
  std::function<std::string(const config_ptr&)> render_config;
  std::function<void()> quit;  ///< /-/quit
};

struct http_state {
  static inline const char* name = "http";
  struct lane {
    std::vector<size_t> idle;
    std::deque<http_call_ptr> queue;
  };
  links_ptr peers;
  config_ptr config;
  std::string config_yaml;
  lane queries, reserve;
  size_t reads = 0;                         ///< remote reads under way
  std::deque<http_call_ptr> waiting_reads;  ///< until one of them is over
  bool stopping = false;
};

http_actor::behavior_type http_bridge(http_actor::stateful_pointer<http_state> self,
                                      http_params params);

}  // namespace troupe::actors
