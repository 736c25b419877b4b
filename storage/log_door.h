// LOG DOOR. The log as it is written, for those who ship it elsewhere: what is committed, shard by
// shard, from a place on; and holds, which keep the files of the log that somebody still needs.
#pragma once

#include "storage/base/result.h"
#include "storage/wal/wal_batch.h"

#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

/// The start of a segment of a run: where reading can begin.
struct log_segment {
  uint64_t epoch = 0;
  uint32_t number = 0;
  auto operator<=>(const log_segment&) const = default;
};

/// Follows the streams (slots) of one shard. One owner, any thread.
class log_tail {
 public:
  virtual ~log_tail() = default;
  /// Hands over batches in log order, up to about `budget_bytes` of the log. True: nothing more is
  /// committed; it may be called again. Fails only with what the sink returned.
  virtual result<bool> step(wal_sink& sink, size_t budget_bytes) = 0;
  /// The segment being read; of a run with another number of shards only its epoch is told.
  virtual log_segment at() const = 0;
  /// Of the last frame of that stream that was read, in the epoch of at(); 0: none.
  virtual uint64_t last_sequence(uint16_t stream) const = 0;
  /// Samples that damage of the log has taken.
  virtual uint64_t samples_lost() const = 0;
  /// Segments that were gone when it came to them.
  virtual uint64_t segments_missing() const = 0;
};

/// Thread-safe.
class log_door {
 public:
  virtual ~log_door() = default;
  virtual uint32_t shard_count() const = 0;
  /// Of this run; (epoch, sequence of a stream) never recurs.
  virtual uint64_t epoch() const = 0;
  /// Reads what earlier runs hold of the shard's streams, too, if `from` reaches back that far.
  virtual result<std::unique_ptr<log_tail>> follow(uint32_t shard, const log_segment& from) = 0;
  /// The segment that the shard's writer appends to.
  virtual log_segment end(uint32_t shard) const = 0;
  /// Bytes of the log from `from` on that a reader of the shard would read.
  virtual uint64_t bytes_since(uint32_t shard, const log_segment& from) const = 0;
  /// The oldest segment from which on that is at most `bytes`; the newest one counts in any case.
  virtual log_segment oldest_within(uint32_t shard, uint64_t bytes) const = 0;

  /// Keeps what a reader of the shard needs from `from` on, up to `limit_bytes` of files that
  /// nobody else needs. Durable. A name holds for one reader of one shard.
  virtual status hold(const std::string& name, uint32_t shard, const log_segment& from,
                      uint64_t limit_bytes) = 0;
  virtual status release(const std::string& name) = 0;
  /// Names of all holds.
  virtual std::vector<std::string> holds() const = 0;
};

}  // namespace troupe::storage
