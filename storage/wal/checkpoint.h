// Rewrites what is still needed of everything before a segment into one checkpoint file, durable by
// rename, so that the older files may go (wal_directory::collect). Owned by the maintenance thread;
// it reads closed segments only and never waits for the writer.
#pragma once

#include "storage/base/result.h"
#include "storage/wal/wal_batch.h"
#include "storage/wal/wal_directory.h"
#include "storage/wal/wal_report.h"

#include <cstdint>
#include <memory>

namespace troupe::storage {

/// What the head still needs. Called in the maintenance thread, in log order.
class checkpoint_filter {
 public:
  virtual ~checkpoint_filter() = default;
  /// A float or histogram sample.
  virtual bool keep_sample(const wal_series& series, timestamp_ms ts) = 0;
  virtual bool keep_exemplar(const wal_series& series, timestamp_ms ts) = 0;
  virtual bool keep_tombstone(std::string_view tenant, const tombstone_entry& entry) = 0;
  /// Equal entries are written once without asking.
  virtual bool keep_metadata(std::string_view tenant, const metadata_entry& entry) = 0;
};

class checkpoint_writer {
 public:
  /// Takes over everything of the shard's slots before `end_segment` of this run, which must be
  /// closed, and all earlier runs. The replay must be through. already_exists if there is such a
  /// checkpoint.
  static result<std::unique_ptr<checkpoint_writer>> open(wal_directory& dir, uint32_t shard,
                                                         uint32_t end_segment,
                                                         checkpoint_filter& filter);
  ~checkpoint_writer();

  /// Bounded work; true when the checkpoint is durable (the caller then runs
  /// wal_directory::collect()). After a failure the partial file is removed and the old files stay.
  result<bool> step(size_t budget_bytes);
  struct counts {
    uint64_t samples_kept = 0;
    uint64_t samples_dropped = 0;
    uint64_t bytes = 0;
  };
  counts totals() const;

 private:
  struct impl;
  explicit checkpoint_writer(std::unique_ptr<impl> state);
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::storage
