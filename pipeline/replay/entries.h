// What of a batch lies in the window of a replay, as entries to be sent. Pure functions.
#pragma once

#include "pipeline/send/entry.h"
#include "storage/model/batch.h"

#include <cstdint>
#include <vector>

namespace troupe::replay {

/// Samples with from <= time < to.
struct time_window {
  timestamp_ms from = min_time, to = max_time;

  bool holds(timestamp_ms t) const { return from <= t && (t < to || to == max_time); }
  bool operator==(const time_window&) const = default;
};

/// Appends to `to` what of the batch lies within; returns how many samples lie outside.
uint64_t take_entries(const write_batch& batch, const time_window& within,
                      std::vector<send::entry>& to);

}  // namespace troupe::replay
