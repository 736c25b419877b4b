// Writes the samples of a data folder as blocks of Prometheus. Pure function.
#pragma once

#include "storage/base/random.h"
#include "storage/offline/offline_store.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe::storage {

struct export_report {
  uint64_t blocks = 0;
  uint64_t series = 0;  ///< summed over the blocks
  uint64_t samples = 0;
  uint64_t histograms = 0;  ///< of these
  uint64_t ranges_resumed = 0;
  std::vector<std::string> warnings;  ///< what of the folder could not be read
};

/// `out` is made, or empty, or what an export that was killed has left: then this one goes on;
/// already_exists if it holds anything else. Blocks lie in the ranges that Prometheus' own
/// compaction makes of 2 h. `on_progress(samples)` may be empty.
result<export_report> export_tsdb(file_system& fs, const clock& clk, random_source& random,
                                  const offline_store& from, const std::string& tenant,
                                  const sample_filter& filter, const std::string& out,
                                  const std::function<void(uint64_t)>& on_progress);

}  // namespace troupe::storage
