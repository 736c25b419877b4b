// The log door over a node's log. Thread-safe.
#pragma once

#include "storage/log_door.h"
#include "storage/wal/wal_directory.h"

#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

class wal_door final : public log_door {
 public:
  /// `dir` must outlive the door and its tails.
  explicit wal_door(wal_directory& dir) : dir_(dir) {}

  uint32_t shard_count() const override { return dir_.settings().shards; }
  uint64_t epoch() const override { return dir_.epoch(); }
  result<std::unique_ptr<log_tail>> follow(uint32_t shard, const log_segment& from) override;
  log_segment end(uint32_t shard) const override;
  uint64_t bytes_since(uint32_t shard, const log_segment& from) const override;
  log_segment oldest_within(uint32_t shard, uint64_t bytes) const override;
  status hold(const std::string& name, uint32_t shard, const log_segment& from,
              uint64_t limit_bytes) override;
  status release(const std::string& name) override { return dir_.release_hold(name); }
  std::vector<std::string> holds() const override;

 private:
  struct sized_segment {
    log_segment at;
    uint64_t bytes = 0;
  };
  /// Those that may hold frames of the shard's streams, oldest first.
  std::vector<sized_segment> segments(uint32_t shard) const;

  wal_directory& dir_;
};

}  // namespace troupe::storage
