// The node's audit of itself: what to write at which instant, what must come back, and what did
// not. Plain class, one owner (the audit actor); README.md has the idea.
#pragma once

#include "query/engine/value.h"
#include "storage/base/stats.h"
#include "storage/model/batch.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe::audit {

struct canary_options {
  uint32_t shards = 1;
  int64_t interval_ms = 15'000;  ///< >= 1
};

class canary {
 public:
  canary(const canary_options& options, registry& metrics);

  /// The batch of the tick at or before `now`; null if that one was made already.
  batch_ptr due(timestamp_ms now);
  /// The batch of due() was stored as a whole and is on stable storage. Without this call nothing
  /// is expected of it.
  void acknowledged(const write_batch& batch);

  /// What to read back: PromQL at an instant.
  struct read {
    std::string expression;
    timestamp_ms at = 0;
  };
  /// The most recent window, and one of the older ones in turn that lies within `reach_ms` of
  /// `now`.
  std::vector<read> reads(timestamp_ms now, int64_t reach_ms);
  /// Judges what a read gave, after every acknowledgement that was known when it began.
  void check(const read& what, const query::matrix_value& got);
  /// A read failed; what it would have shown is looked at again later.
  void unreadable() { failed_.add(); }

  /// Milliseconds from `now` to the next tick, 1 to the interval.
  int64_t until_next(timestamp_ms now) const;

 private:
  /// What one lane gave in a window.
  struct lane {
    std::map<timestamp_ms, unsigned> found;  ///< how often
    std::set<timestamp_ms> expected;
  };
  using place = std::pair<std::string, timestamp_ms>;  ///< lane and tick

  timestamp_ms tick_of(timestamp_ms t) const;
  bool acked(timestamp_ms tick) const;
  uint64_t ledger_before(timestamp_ms tick) const;
  void forget_before(timestamp_ms oldest);
  /// Counts a place once; true the first time.
  bool count(counter& c, std::set<place>& known, place where);
  void take(const query::matrix_series& series, bool ledger, timestamp_ms from, timestamp_ms to,
            lane& into, const std::string& name);

  const int64_t interval_ms_;
  std::vector<std::string> lanes_;  ///< instance labels, one per shard
  series_table_ptr table_;          ///< canary and ledger of each lane
  timestamp_ms last_ = min_time;
  /// Acknowledged ticks as runs, first → last. Usually one.
  std::map<timestamp_ms, timestamp_ms> acked_;
  size_t next_age_ = 0;
  std::set<place> missing_, doubled_, wrong_;
  counter &missing_total_, &doubled_total_, &wrong_total_, &checked_, &failed_, &acked_total_;
};

}  // namespace troupe::audit
