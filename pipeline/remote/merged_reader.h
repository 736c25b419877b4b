// The read door over what is stored here and what the servers of remote_read have. A remote that
// fails is left out with a warning, as in Prometheus. Thread-safe; its queriers wait for answers,
// so that only threads that may wait use them.
#pragma once

#include "pipeline/remote/remote_source.h"
#include "storage/base/clock.h"
#include "storage/querier.h"

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

namespace troupe::remote {

/// Everything must outlive the reader.
struct merged_environment {
  storage::queryable* local = nullptr;
  clock* clk = nullptr;
  /// Results in the order of the requests; ends by their timeouts, or when `cancel` (may be null)
  /// is set.
  std::function<std::vector<http::fetch_result>(std::vector<http::fetch_request>,
                                                const std::atomic<bool>* cancel)>
      fetch;
  int64_t longest_wait_ms = 120'000;  ///< for the answers to one selector: what a query may take
  /// Compresses a request's body.
  std::function<std::string(std::string_view)> compress;
  /// From when on everything is stored here: remotes without read_recent are asked for what is
  /// older.
  std::function<timestamp_ms()> local_start;
};

/// How long one query waits.
struct query_patience {
  int64_t deadline_ns = INT64_MAX;            ///< monotonic
  const std::atomic<bool>* cancel = nullptr;  ///< set when the client has gone; may be null
};

class merged_reader final : public storage::queryable {
 public:
  explicit merged_reader(merged_environment env) : env_(std::move(env)) {}

  /// The remotes of a new configuration; queries that run go on with the old ones.
  void set_sources(remote_sources sources);

  /// The same door for one query that ends after so long, or when `cancel` (may be null, outlives
  /// the door) is set. Outlived by this.
  std::unique_ptr<storage::queryable> for_query(int64_t timeout_ms,
                                                const std::atomic<bool>* cancel);
  result<std::unique_ptr<storage::querier>> open(std::string_view tenant, timestamp_ms mint,
                                                 timestamp_ms maxt, query_patience patience);

  result<std::unique_ptr<storage::querier>> open(std::string_view tenant, timestamp_ms mint,
                                                 timestamp_ms maxt) override {
    return open(tenant, mint, maxt, query_patience());
  }
  std::unique_ptr<storage::series_family> family(const storage::family_request& wanted) override;
  result<std::vector<storage::exemplar_series>> exemplars(
      std::string_view tenant, timestamp_ms mint, timestamp_ms maxt,
      std::span<const matchers> selectors) override {
    return env_.local->exemplars(tenant, mint, maxt, selectors);
  }
  std::vector<std::pair<std::string, metadata>> metadata_of(std::string_view tenant,
                                                            std::string_view family,
                                                            size_t limit) override {
    return env_.local->metadata_of(tenant, family, limit);
  }

 private:
  const merged_environment env_;
  std::shared_ptr<const remote_sources> sources_;  ///< by atomic access only
};

}  // namespace troupe::remote
