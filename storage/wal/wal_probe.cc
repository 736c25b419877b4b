#include "storage/wal/wal_probe.h"

namespace troupe::storage {

wal_probe::wal_probe(registry* metrics)
    : own_(metrics ? nullptr : std::make_unique<registry>()),
      metrics_(metrics ? *metrics : *own_),
      frames(metrics_.get_counter("troupe_wal_frames_total", "Frames made durable.")),
      bytes(metrics_.get_counter("troupe_wal_written_bytes_total", "Bytes made durable.")),
      commits(metrics_.get_counter("troupe_wal_commits_total", "Group commits.")),
      rollbacks(metrics_.get_counter("troupe_wal_rollbacks_total",
                                     "Times uncommitted frames were given up.")),
      segments(metrics_.get_counter("troupe_wal_segments_total", "Segments started.")),
      failures(metrics_.get_counter("troupe_wal_failures_total",
                                    "Writes or syncs that failed for another reason than space.")),
      sync_seconds(metrics_.get_histogram(
          "troupe_wal_sync_seconds", "Duration of a sync.",
          {0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10})) {}

}  // namespace troupe::storage
