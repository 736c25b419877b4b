#include "pipeline/remote/metadata_cache.h"

#include <mutex>

namespace troupe::remote {

metadata_cache::entry metadata_cache::entry_of(const hash128& family, metric_type type,
                                               const hash128& unit, const hash128& help) {
  const uint64_t value[] = {static_cast<uint64_t>(type), unit.low, help.low};
  return {family.low, xxh3({reinterpret_cast<const char*>(value), sizeof value})};
}

std::vector<uint32_t> metadata_cache::unknown(std::span<const entry> sent) const {
  std::vector<uint32_t> out;
  std::unordered_map<uint64_t, uint64_t> taken;
  std::shared_lock lock(mutex_);
  const bool none_known = over();
  for (uint32_t i = 0; i < sent.size(); ++i) {
    const auto& [family, value] = sent[i];
    const auto own = taken.find(family);
    const auto stored = own == taken.end() && !none_known ? values_.find(family) : values_.end();
    if (own != taken.end() ? own->second == value
                           : stored != values_.end() && stored->second == value)
      continue;
    taken.insert_or_assign(family, value);
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
