#include "storage/block/window_cache.h"

#include <algorithm>

namespace troupe::storage {
namespace {

constexpr size_t least_weight = 64;

}  // namespace

void window_cache::enter(timestamp_ms mint, timestamp_ms maxt) {
  if (mint == mint_ && maxt == maxt_)
    return;
  mint_ = mint;
  maxt_ = maxt;
  weight_ = 0;
  entries_.clear();
  places_.clear();
}

const chunk_window* window_cache::find(uint64_t offset) {
  const auto at = places_.find(offset);
  if (at == places_.end())
    return nullptr;
  entries_.splice(entries_.begin(), entries_, at->second);
  return &entries_.front().window;
}

const chunk_window& window_cache::put(uint64_t offset, chunk_window window) {
  const size_t weight = std::max(least_weight, window.columns.ts.size());
  entries_.push_front({offset, std::move(window), weight});
  places_[offset] = entries_.begin();
  for (weight_ += weight; weight_ > max_samples && entries_.size() > 1; entries_.pop_back()) {
    weight_ -= entries_.back().weight;
    places_.erase(entries_.back().offset);
  }
  return entries_.front().window;
}

}  // namespace troupe::storage
