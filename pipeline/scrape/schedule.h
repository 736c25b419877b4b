// When a target is scraped and which timestamp its samples get: pure functions of target and
// interval, so that every node that scrapes a target does so at the same instants (and replicas of
// a sample are equal).
#pragma once

#include <algorithm>
#include <cstdint>

namespace troupe::scrape {

/// Where in its interval a target stands: a fixed hash of its id, in [0, interval_ms). Never change
/// it.
int64_t offset_of(uint64_t target_id, int64_t interval_ms);

/// The first scrape instant (Unix ms) later than `after_ms`.
int64_t next_instant(uint64_t target_id, int64_t interval_ms, int64_t after_ms);

/// How late a fetch may start and still be stamped with its scheduled instant.
inline int64_t max_lateness(int64_t interval_ms) {
  return std::min<int64_t>(interval_ms / 10, 1000);
}

/// The timestamp of a scrape: the scheduled instant if the fetch started at most max_lateness after
/// it, else its true start (also if the clock was set back in between).
inline int64_t stamp_of(int64_t scheduled_ms, int64_t started_ms, int64_t interval_ms) {
  const int64_t late = started_ms - scheduled_ms;
  return late >= 0 && late <= max_lateness(interval_ms) ? scheduled_ms : started_ms;
}

}  // namespace troupe::scrape
