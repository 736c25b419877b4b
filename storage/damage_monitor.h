// Counts what is damaged, for the metrics and for the API: what the replay of the log could not
// give back, what reads and the check of blocks have met, what was set aside. Owned by the node's
// storage. Any thread.
#pragma once

#include "storage/base/damage.h"
#include "storage/base/stats.h"
#include "storage/compact/scrubber.h"
#include "storage/head/shard.h"

#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace troupe::storage {

class damage_monitor {
 public:
  damage_monitor(registry& metrics, file_system& fs, std::string dir, const block_store& blocks,
                 const scrubber& scrub, std::span<const std::unique_ptr<shard>> shards);

  /// Brings the metrics up to date.
  void publish();
  damage_report report() const;

 private:
  /// By kind, in the order of the metrics.
  std::vector<uint64_t> counts(std::span<const wal_report> replays) const;

  file_system& fs_;
  const std::string dir_;
  const block_store& blocks_;
  const scrubber& scrub_;
  const std::span<const std::unique_ptr<shard>> shards_;
  std::vector<counter*> counters_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<uint64_t> published_;
  bool replay_published_ = false;
};

}  // namespace troupe::storage
