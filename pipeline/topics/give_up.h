// Gives up the oldest part of a stretch of the log, which has grown beyond its bound: reads it once
// more, to count what is lost. One owner.
#pragma once

#include "pipeline/aggregate/log_follower.h"
#include "pipeline/send/cursor.h"
#include "pipeline/send/series_filter.h"
#include "storage/log_door.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::topics {

class give_up {
 public:
  struct extent {
    std::vector<storage::log_segment> horizons;  ///< by shard: what lies in segments before goes
    bool all_tenants = true;                     ///< else samples of the default one count
    bool histograms = true;                      ///< count, too
  };
  give_up(storage::log_door& log, send::stretch from, send::series_rules_ptr rules, extent of);

  /// Up to about `budget_bytes` of each shard. True: all is read.
  result<bool> step(size_t budget_bytes);
  /// Samples that the rules let through, so far.
  uint64_t samples() const { return samples_; }
  /// The stretch without what is given up; when all is read.
  const send::stretch& rest() const { return rest_; }

 private:
  void take(uint32_t shard, const storage::wal_batch& batch);

  const extent of_;
  send::stretch rest_;
  const send::places begun_;
  aggregate::log_follower follower_;
  std::vector<send::series_filter> filters_;  ///< by shard
  uint64_t samples_ = 0;
};

}  // namespace troupe::topics
