#include "pipeline/topics/stream_places.h"

#include "storage/base/check.h"

#include <algorithm>
#include <utility>

namespace troupe::topics {

uint64_t stream_places::add(uint16_t slot, const storage::log_segment& segment, timestamp_ms ts) {
  stream& s = streams_[slot];
  // Until its batch ends it moves nothing.
  const send::place after = s.parts.empty() ? next_[slot] : s.parts.back().after;
  s.parts.push_back({after, segment, ts, false});
  ++count_;
  return s.first + s.parts.size() - 1;
}

void stream_places::end_batch(uint16_t slot, const send::place& after) {
  stream& s = streams_[slot];
  if (!s.parts.empty()) {
    s.parts.back().after = after;
    return;
  }
  next_[slot] = after;
  s.moved = true;
}

void stream_places::done(uint16_t slot, uint64_t number) {
  stream& s = streams_[slot];
  TROUPE_CHECK(number >= s.first && number - s.first < s.parts.size());
  s.parts[number - s.first].done = true;
  while (!s.parts.empty() && s.parts.front().done) {
    s.moved = s.moved || next_[slot] != s.parts.front().after;
    next_[slot] = s.parts.front().after;
    s.parts.pop_front();
    ++s.first;
    --count_;
  }
}

std::vector<send::advance> stream_places::take_moved() {
  std::vector<send::advance> out;
  for (uint16_t slot = 0; slot < slot_count; ++slot)
    if (std::exchange(streams_[slot].moved, false))
      out.push_back({0, slot, next_[slot]});
  return out;
}

storage::log_segment stream_places::oldest(uint32_t shard, uint32_t shards,
                                           const storage::log_segment& reading) const {
  storage::log_segment out = reading;
  for (uint32_t slot = shard; slot < slot_count; slot += shards)
    if (const auto& parts = streams_[slot].parts; !parts.empty())
      out = std::min(out, parts.front().segment);
  return out;
}

timestamp_ms stream_places::oldest_ts() const {
  timestamp_ms out = max_time;
  for (const auto& s : streams_)
    if (!s.parts.empty())
      out = std::min(out, s.parts.front().ts);
  return out;
}

}  // namespace troupe::topics
