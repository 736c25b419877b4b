// One shard's ingest: offers batches to the write door, commits groups of them, and says what each
// batch got. Plain class behind the ingest actor; one owner.
#pragma once

#include "storage/appender.h"
#include "storage/base/stats.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace troupe::ingest {

/// The answer to a batch. `error` is ok when everything accepted is on stable storage; `report`
/// counts the refused.
struct outcome {
  status error;
  storage::append_report report;
};
/// One outcome per batch offered, in their order.
using reply = std::function<void(std::vector<outcome>)>;

class ingester {
 public:
  ingester(storage::shard_appender& door, registry& metrics, uint32_t shard);

  /// Appends; the reply comes at the next commit(), or at once when all batches are refused as a
  /// whole. True if there is something to commit.
  bool offer(std::span<const batch_ptr> batches, reply done);
  /// Makes all offered batches durable and answers them. A failure other than no_space is fatal for
  /// the shard: the caller must end the process; nobody was told "ok".
  status commit();
  /// storage::shard_appender::sync. A failure is fatal as commit()'s.
  status sync() { return door_.sync(); }
  /// Not ok once an append has met an I/O error: the shard is broken for good, the caller must end
  /// the process.
  const status& broken() const { return broken_; }

 private:
  struct waiter {
    std::vector<outcome> outcomes;  ///< those without an error wait for the commit
    reply done;
  };
  outcome append(const batch_ptr& batch);
  void publish_totals();

  storage::shard_appender& door_;
  std::vector<waiter> waiting_;
  status broken_;
  storage::shard_appender::totals published_;
  counter &samples_, &duplicates_, &conflicts_, &out_of_order_, &too_old_, &too_new_,
      &series_refused_, &no_memory_, &batches_, &commits_, &failures_;
  bucket_histogram& commit_batches_;
};

}  // namespace troupe::ingest
