// What takes the space of a data folder's blocks: metrics, labels, churn. Reads only; a running
// node may own the folder. Pure function.
#pragma once

#include "storage/base/damage.h"
#include "storage/block/block_meta.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe::storage {

struct analysis {
  struct block {
    block_meta meta;
    /// Against the block before it of the tenant, blocks of overlapping time taken as one: series
    /// that it has and that one had not, and the other way round. The first counts all as new.
    uint64_t new_series = 0, gone_series = 0;
  };
  struct metric {
    std::string name;
    uint64_t series = 0;  ///< distinct
    uint64_t samples = 0;
    uint64_t bytes = 0;  ///< of chunks; one of several series counts for each
  };
  struct item {
    std::string name;
    double value = 0;
  };
  std::vector<block> blocks;           ///< by time
  std::vector<damaged_place> refused;  ///< blocks that do not open
  uint64_t unreadable_series = 0;      ///< left out of all figures
  uint64_t series = 0;                 ///< distinct, as in all lists
  uint64_t samples = 0;
  uint64_t chunk_bytes = 0, index_bytes = 0;
  uint64_t label_names = 0, label_pairs = 0;
  uint64_t postings = 0;  ///< entries, summed over the blocks

  // The greatest, descending, at most `limit` of each.
  std::vector<metric> by_series, by_bytes;
  std::vector<item> label_values;       ///< names by number of values
  std::vector<item> label_value_bytes;  ///< names by length of their values
  std::vector<item> pair_series;        ///< pairs by number of series
  /// Names and pairs by churn: for each series with it, the part of its block's time in which it
  /// has no samples, summed up.
  std::vector<item> churn_names, churn_pairs;
};

/// `block_id` empty: all. not_found if there is no such block. `on_progress(series, of series)` may
/// be empty. Memory: 16 bytes a series, and the distinct label pairs.
result<analysis> analyze_folder(file_system& fs, const std::string& dir,
                                const std::string& block_id, size_t limit,
                                const std::function<void(uint64_t, uint64_t)>& on_progress);

}  // namespace troupe::storage
