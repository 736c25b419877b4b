// What of the old log a head still needs after its samples before a bound went into blocks.
#pragma once

#include "storage/head/head.h"
#include "storage/wal/checkpoint.h"

namespace troupe::storage {

class checkpoint_rule final : public checkpoint_filter {
 public:
  /// All samples before `bound` in the part of the log that the checkpoint takes over are durable
  /// in blocks. `from` must outlive this.
  checkpoint_rule(const head& from, timestamp_ms bound) : head_(from), bound_(bound) {}

  bool keep_sample(const wal_series&, timestamp_ms ts) override { return ts >= bound_; }
  bool keep_exemplar(const wal_series& series, timestamp_ms ts) override {
    return head_.exemplars().contains(series.tenant, series.lset, ts);
  }
  bool keep_tombstone(std::string_view, const tombstone_entry& entry) override {
    return entry.maxt >= bound_;
  }
  bool keep_metadata(std::string_view tenant, const metadata_entry& entry) override {
    return head_.metadata().contains(tenant, entry);
  }

 private:
  const head& head_;
  const timestamp_ms bound_;
};

}  // namespace troupe::storage
