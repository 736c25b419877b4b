#include "pipeline/remote/metadata_cache.h"

#include <mutex>

namespace troupe::remote {

std::vector<uint32_t> metadata_cache::unknown(std::span<const entry> sent) const {
  std::vector<uint32_t> out;
  std::unordered_map<uint64_t, uint64_t> taken;
  std::shared_lock lock(mutex_);
  const bool none_known = over();
  for (uint32_t i = 0; i < sent.size(); ++i) {
    const auto at = values_.find(sent[i].family);
    if (!none_known && at != values_.end() && at->second == sent[i].value)
      continue;
    const auto [own, first] = taken.try_emplace(sent[i].family, sent[i].value);
    if (!first && own->second == sent[i].value)
      continue;
    own->second = sent[i].value;
    out.push_back(i);
  }
  return out;
}

void metadata_cache::note(std::span<const entry> stored) {
  if (stored.empty())
    return;
  std::unique_lock lock(mutex_);
  if (over() || values_.size() > max_families) {
    values_.clear();
    began_ns_ = clock_.monotonic_ns();
  }
  for (const entry& e : stored)
    values_[e.family] = e.value;
}

}  // namespace troupe::remote
