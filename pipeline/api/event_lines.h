// The lines of query_log_file and scrape_failure_log_file, as Prometheus 3 writes them (log/slog's
// JSON, without the Go source position). Pure functions.
#pragma once

#include "query/engine/value.h"
#include "storage/model/sample.h"

#include <string>
#include <string_view>

namespace troupe::api {

/// A query that was run through the API.
struct query_event {
  timestamp_ms now = 0;
  std::string_view text;
  timestamp_ms start = 0, end = 0;
  int64_t step_ms = 0;  ///< 0: instant
  std::string error;    ///< "": it succeeded
  query::query_stats stats;
  std::string_view remote_address;  ///< with or without a port
  std::string_view method;
  std::string path;  ///< with the route prefix
};
std::string query_line(const query_event& e);

/// A scrape whose fetch failed.
std::string scrape_failure_line(timestamp_ms now, std::string_view job, std::string_view url,
                                std::string_view error);

/// The "stats" of a query's answer and of its log line; samples per step if there are any.
std::string stats_json(const query::query_stats& st);

}  // namespace troupe::api
