// Sends a fleet's samples by remote write or OTLP: several requests in flight, never two of the
// same series, each sent again until it is answered for good. One owner; blocks until it is done.
#pragma once

#include "config/bench_command.h"
#include "pipeline/bench/latency.h"
#include "pipeline/bench/ledger.h"
#include "pipeline/client/api_client.h"
#include "pipeline/client/progress.h"

#include <cstdint>
#include <string>

namespace troupe::bench {

struct write_load_options {
  config::load_protocol protocol = config::load_protocol::write_v1;  ///< as the client's
  size_t in_flight = 4;
  double samples_per_second = 0;  ///< 0: as fast as possible
  int64_t retry_ms = 60'000;      ///< a request is given up when it failed for so long
};

struct write_report {
  uint64_t acked_samples = 0;
  uint64_t failed_samples = 0;  ///< refused, or outcome unknown
  uint64_t requests = 0;        ///< acknowledged
  uint64_t retries = 0;
  uint64_t body_bytes = 0;  ///< of the acknowledged requests, as sent
  uint64_t new_series = 0;  ///< hosts that came after the first row, times their series
  int64_t duration_ns = 0;
  latency answer_times;     ///< of the acknowledged ones
  std::string first_error;  ///< of a request, "" if none failed
};

/// Fails only if the ledger cannot be written; what the server refused is in the report.
result<write_report> run_write_load(const profile_ptr& shape, const write_load_options& options,
                                    client::api_client& server, ledger_book& book, const clock& clk,
                                    client::progress& shown);

}  // namespace troupe::bench
