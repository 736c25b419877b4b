// From a finished fetch of one target to its batch: samples, stale markers, automatic series.
// Functions over the target's memory; no clock, no sockets.
#pragma once

#include "pipeline/discover/target.h"
#include "pipeline/http/http.h"
#include "pipeline/scrape/body_reader.h"

#include <cstdint>
#include <string_view>

namespace troupe::scrape {

struct scrape_settings {
  std::string_view tenant;
  bool extra_metrics = false;  ///< scrape_timeout_seconds and its kind, too
  bool zero_at_start = false;  ///< as body_request's
};

struct scrape_result {
  status error;  ///< why `up` is 0
  body_counts counts;
  batch_ptr batch;
  bool body_limit_hit = false;
  bool fetch_failed = false;  ///< the error is of transport, HTTP status or body size
};

/// Samples later than this after the clock are out of bounds.
inline constexpr int64_t max_ahead_ms = 10 * 60 * 1000;

/// Reads what was fetched. `time` stamps the scrape; `now` is the clock. Whatever fails (transport,
/// HTTP status, content type, syntax, a limit) gives stale markers for all that was there, `up` 0
/// and the reason.
scrape_result read_fetch(const scrape_settings& settings, const job_rules& job,
                         const discover::target& target, const http::fetch_result& got,
                         timestamp_ms time, timestamp_ms now, target_memory& memory,
                         scrape_scratch& scratch);

/// A scrape that failed without a fetch.
scrape_result fail_scrape(const scrape_settings& settings, const job_rules& job,
                          const discover::target& target, status why, timestamp_ms time,
                          target_memory& memory, scrape_scratch& scratch);

/// Stale markers for everything of a target that is gone for good, automatic series included,
/// except the positions in `elsewhere`. Null if there is nothing to mark.
batch_ptr end_of_target(const scrape_settings& settings, const discover::target& target,
                        timestamp_ms time, const bitmap& elsewhere, target_memory& memory);

}  // namespace troupe::scrape
