// A data folder that no node uses, opened to be read whole: blocks and what the log still holds.
// Takes the lock and replays as a start does. One owner, one thread.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/file_system.h"
#include "storage/chunk/columns.h"
#include "storage/offline/new_samples.h"
#include "storage/storage.h"

#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

class offline_store {
 public:
  /// not_found if `dir` is no data folder (none is made); already_exists if a running node holds
  /// it.
  static result<std::unique_ptr<offline_store>> open(file_system& fs, clock& clk, uint64_t seed,
                                                     const std::string& dir);
  ~offline_store();

  /// Where samples lie, of all tenants.
  std::vector<time_interval> extents() const;
  /// The series that `filter` wants, their samples in [mint, maxt] and in the filter's time. What
  /// could not be read is added to `warnings` when the set is through.
  result<std::unique_ptr<series_set>> select(const std::string& tenant, const sample_filter& filter,
                                             timestamp_ms mint, timestamp_ms maxt,
                                             std::vector<std::string>& warnings) const;
  queryable& reader() const { return store_->reader(); }

 private:
  explicit offline_store(std::unique_ptr<storage> store) : store_(std::move(store)) {}
  std::unique_ptr<storage> store_;
};

}  // namespace troupe::storage
