// A node's storage on a simulated file system, driven in one thread. Tests append by label set and
// compare what a query gives with reference_series.
#pragma once

#include "storage/storage.h"
#include "tests/storage/head/reference_series.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

/// One sample for a batch.
struct test_sample {
  labels series;
  timestamp_ms ts = 0;
  reference_sample value;
};
using test_samples = std::vector<test_sample>;
using store_content = std::map<std::string, std::map<timestamp_ms, reference_sample>>;

inline test_sample make_sample(labels series, timestamp_ms ts, double value) {
  return {std::move(series), ts, {value, no_start_timestamp, nullptr}};
}

/// A batch of the samples that live in one shard; series in order of first occurrence.
std::shared_ptr<write_batch> make_batch(const test_samples& samples, std::string_view tenant = "");

/// The first few samples that differ, one a line; empty if none does.
std::string difference(const store_content& got, const store_content& want);

class test_node {
 public:
  explicit test_node(uint64_t seed = 1, uint64_t memory_limit = 100);

  options opts;
  support::sim_file_system fs;
  manual_clock clk;
  registry metrics;
  uint64_t held_memory = 0;  ///< of memory's limit
  memory_budget memory;
  std::unique_ptr<storage> store;

  /// Lets the budget measure that much; takes 100 ms.
  void hold_memory(uint64_t bytes);
  /// Opens without replay.
  status open();
  /// Opens and replays.
  void start();
  void replay();
  /// Power cut, or kill -9; the store is gone afterwards.
  void crash();
  void kill();
  void stop();

  /// Splits by shard and appends; not committed.
  status append(const test_samples& samples, std::string_view tenant = "");
  status commit();
  /// append() and commit(), both must work.
  void write(const test_samples& samples, std::string_view tenant = "");
  /// Runs background work until there is none; at most `limit` pieces.
  status maintain(int limit = 1000);
  /// Every sample of the tenant by series, as a query gives it.
  store_content read(timestamp_ms mint = min_time, timestamp_ms maxt = max_time,
                     std::string_view tenant = "");
  shard_appender::totals counts() const;

 private:
  uint64_t starts_ = 0;
};

}  // namespace troupe::storage
