// What must hold of whatever a door made of a request.
#pragma once

#include "pipeline/remote/write_codec.h"

#include <cstdint>
#include <utility>

namespace troupe::fuzz {

inline void require(bool holds) {
  if (!holds)
    __builtin_trap();
}

/// Number of its samples, start times and exemplars.
inline uint64_t check_decoded(const remote::decoded_write& w) {
  uint64_t count = 0;
  for (const auto& b : w.batches) {
    count += b->sample_count() + b->exemplars.size() + b->starts.size();
    for (const auto& e : b->floats)
      require(e.series < b->table->series.size());
    for (const auto& e : b->histograms)
      require(e.series < b->table->series.size() && e.value->validate().ok());
    for (const auto& e : b->exemplars)
      require(e.series < b->table->series.size());
    uint64_t next = 0;
    for (const auto& s : b->starts)
      require(s.index >= std::exchange(next, uint64_t{s.index} + 1) && s.index < b->floats.size());
  }
  return count;
}

}  // namespace troupe::fuzz
