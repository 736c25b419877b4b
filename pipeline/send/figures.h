// The metrics of one destination: troupe_remote_storage_*, with Prometheus' names where it has
// them.
#pragma once

#include "pipeline/send/entry.h"
#include "storage/base/stats.h"

#include <array>
#include <string>

namespace troupe::send {

/// A counter of each kind of entry.
struct kind_counters {
  std::array<counter*, entry_kinds> of{};  ///< samples, histograms, exemplars
  void add(const entry_counts& n) const;
};

struct figures {
  figures(registry& metrics, const std::string& name, const std::string& url);

  kind_counters sent, failed, retried;
  kind_counters relabelled, too_old, custom_buckets, for_room;
  counter &metadata_sent, &metadata_failed, &metadata_retried;
  counter &bytes, &metadata_bytes;
  counter& damaged;
  bucket_histogram& request_seconds;
  gauge &pending, &shards, &shards_max, &shards_min, &shards_desired, &capacity, &most_per_send;
  gauge &highest_sent, &highest_read;
  gauge &lag_seconds, &lag_bytes, &backlogs, &log_limit;

 private:
  class maker;
  explicit figures(maker m);
};

}  // namespace troupe::send
