#include "pipeline/topics/oversize.h"

namespace troupe::topics {

bool oversize::refused(size_t bytes, std::span<const entry_range> entries) {
  accepted_bytes_ = std::min(accepted_bytes_, bytes - 1);
  uint32_t total = 0;
  for (const auto& e : entries)
    total += e.entries;
  if (total == 1) {
    for (const auto& e : entries) {
      stream& s = streams_[e.slot];
      s.left_out.insert(e.first);
      s.most = 0;
    }
    return true;
  }
  bytes_ = std::max(std::min(bytes_, bytes / 2), std::min(least_bytes, most_bytes_));
  std::map<uint16_t, entry_range> by_slot;
  for (const auto& e : entries) {
    const auto [at, is_new] = by_slot.try_emplace(e.slot, e);
    at->second.last = e.last;
  }
  for (const auto& [slot, e] : by_slot) {
    stream& s = streams_[slot];
    s.first = e.first;
    s.last = e.last;
    s.most = total / 2;
  }
  return false;
}

bool oversize::is_left_out(uint16_t slot, const send::place& at) const {
  const auto s = streams_.find(slot);
  return s != streams_.end() && s->second.left_out.contains(at);
}

uint32_t oversize::most_together(uint16_t slot, const send::place& at) const {
  const auto s = streams_.find(slot);
  if (s == streams_.end() || at < s->second.first || at > s->second.last)
    return 0;
  return s->second.most;
}

void oversize::passed(uint16_t slot, const send::place& next) {
  const auto at = streams_.find(slot);
  if (at == streams_.end())
    return;
  stream& s = at->second;
  std::erase_if(s.left_out, [&](const send::place& p) { return p < next; });
  if (s.last < next)
    s.most = 0;
  if (s.most == 0 && s.left_out.empty())
    streams_.erase(at);
}

}  // namespace troupe::topics
