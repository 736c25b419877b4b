// WRITE DOOR of one shard. One writer (the shard's ingest actor); readers go through
// storage/querier.h and never wait for it. append() writes to the WAL without sync; commit() makes
// all appended batches durable, then visible.
#pragma once

#include "storage/base/result.h"
#include "storage/model/batch.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

/// What became of one batch, or of several. Refused samples are never part of `accepted`.
struct append_report {
  uint64_t accepted = 0;  ///< samples written to the WAL (new, duplicate or conflicting alike)
  uint64_t accepted_histograms = 0;  ///< of them
  uint64_t accepted_exemplars = 0;
  uint64_t too_old = 0;             ///< older than retention or the out-of-order window
  uint64_t too_far_in_future = 0;   ///< more than 10 min ahead of the clock
  uint64_t new_series_refused = 0;  ///< samples of series beyond the series limit
  uint64_t over_budget = 0;         ///< samples of new series for which a budget has no room
  uint64_t no_memory = 0;           ///< samples of new series while memory is short
  uint64_t refused_exemplars = 0;   ///< for one of these reasons
  uint32_t first_refused = 0;       ///< index into floats of the first refused sample, if any
  /// Names the first budget without room: `"name" (limit series) of {group}`; null: none.
  std::shared_ptr<const std::string> budget;
  uint64_t refused() const {
    return too_old + too_far_in_future + new_series_refused + over_budget + no_memory;
  }

  append_report& operator+=(const append_report& o) {
    if (o.refused() != 0 && refused() == 0)
      first_refused = o.first_refused;
    accepted += o.accepted;
    accepted_histograms += o.accepted_histograms;
    accepted_exemplars += o.accepted_exemplars;
    too_old += o.too_old;
    too_far_in_future += o.too_far_in_future;
    new_series_refused += o.new_series_refused;
    over_budget += o.over_budget;
    if (!budget)
      budget = o.budget;
    no_memory += o.no_memory;
    refused_exemplars += o.refused_exemplars;
    return *this;
  }
};

class shard_appender {
 public:
  virtual ~shard_appender() = default;

  /// Adds the batch to the WAL's buffer. no_space: nothing of the batch is kept, retry later.
  /// unavailable: replay is still running and its bound on unapplied batches is reached, or the
  /// memory limit is. io_error:
  /// the shard is broken for good (a failed write or fsync): stop the process, what was acked is
  /// safe.
  virtual result<append_report> append(const batch_ptr& batch) = 0;
  /// write + fdatasync (as options::sync says) of everything appended since the last commit, then
  /// applies it to the head. Batches may be acked when this returns ok. Errors as append(); after
  /// no_space the uncommitted batches are forgotten.
  virtual status commit() = 0;
  /// With options::sync_mode::interval: fdatasync of what commits have left to it; else nothing.
  /// io_error as append().
  virtual status sync() = 0;
  /// Appended, not yet committed.
  virtual size_t uncommitted_batches() const = 0;
  /// Samples newly stored, exact duplicates, and conflicts (same series and timestamp, other value)
  /// since the start.
  struct totals {
    uint64_t stored = 0;
    uint64_t duplicates = 0;
    uint64_t conflicts = 0;
    uint64_t out_of_order = 0;
  };
  virtual totals counts() const = 0;
};

}  // namespace troupe::storage
