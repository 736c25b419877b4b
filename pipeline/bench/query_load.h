// A mix of instant and range queries against a server, several at a time, in an order that the seed
// fixes. One owner; blocks until it is done.
#pragma once

#include "pipeline/bench/latency.h"
#include "pipeline/client/api_client.h"
#include "pipeline/client/progress.h"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::bench {

struct timed_query {
  std::string expr;
  bool range = false;  ///< over the last `query_load_options::range_ms`; else instant
};

struct query_load_options {
  std::vector<timed_query> mix;
  uint64_t seed = 1;
  size_t in_flight = 1;
  uint64_t count = 0;  ///< queries in all; 0: until duration_ms is over
  int64_t duration_ms = 0;
  int64_t end_ms = 0;  ///< instant of the queries and end of the ranges
  int64_t range_ms = 3'600'000;
  int64_t step_ms = 15'000;
};

struct query_result {
  timed_query what;
  latency answer_times;
  uint64_t bytes = 0;  ///< of the answers, decompressed
  uint64_t errors = 0;
  std::string first_error;
};

struct query_report {
  std::vector<query_result> queries;  ///< in the order of the mix
  int64_t duration_ns = 0;
  uint64_t answered = 0, errors = 0;
};

/// What dashboards and rules ask of the series of a profile ("node", "busy", …).
std::vector<timed_query> default_mix(std::string_view profile);

query_report run_query_load(const query_load_options& options, client::api_client& server,
                            const clock& clk, client::progress& shown);

}  // namespace troupe::bench
