// One shard's ingest: offers batches to the write door, commits groups of them, and says what each
// batch got. Plain class behind the ingest actor; one owner.
#pragma once

#include "storage/appender.h"
#include "storage/base/stats.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::ingest {

/// The answer to a batch. `error` is ok when everything accepted is on stable storage; `report`
/// counts the refused.
struct outcome {
  status error;
  storage::append_report report;
};
/// Why samples of new series were refused, a text for each reason: "3 samples of new series are
/// over the series limit".
std::vector<std::string> growth_refusals(const storage::append_report& r);
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
      &series_refused_, &over_budget_, &no_memory_, &batches_, &commits_, &failures_;
  bucket_histogram& commit_batches_;
};

}  // namespace troupe::ingest
