// Self-metrics of the log; every shard adds to the same ones.
#pragma once

#include "storage/base/stats.h"

#include <memory>

namespace troupe::storage {

struct wal_probe {
  /// A null registry counts into one of its own.
  explicit wal_probe(registry* metrics);

 private:
  std::unique_ptr<registry> own_;
  registry& metrics_;

 public:
  counter& frames;
  counter& bytes;
  counter& commits;
  counter& rollbacks;
  counter& segments;
  counter& failures;
  bucket_histogram& sync_seconds;
};

}  // namespace troupe::storage
