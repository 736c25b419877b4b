#include "storage/head/exemplar_store.h"

#include <algorithm>
#include <bit>

namespace troupe::storage {

void exemplar_store::add(std::string_view tenant, const labels& series, const exemplar& e) {
  if (capacity_ == 0)
    return;
  const std::lock_guard guard(mutex_);
  auto t = tenants_.find(tenant);
  if (t == tenants_.end())
    t = tenants_.emplace(std::string(tenant), by_series()).first;
  auto& list = t->second[series];
  for (const auto& old : list)
    if (old.value.ts == e.ts && old.value.lset == e.lset &&
        std::bit_cast<uint64_t>(old.value.value) == std::bit_cast<uint64_t>(e.value))
      return;
  const auto at = std::upper_bound(list.begin(), list.end(), e.ts,
                                   [](timestamp_ms ts, const entry& o) { return ts < o.value.ts; });
  list.insert(at, {e, next_});
  written_.emplace(next_++, place{std::string(tenant), series});
  if (written_.size() > capacity_)
    drop(written_.begin()->first);
}

void exemplar_store::drop(uint64_t number) {
  const auto at = written_.find(number);
  const auto tenant = tenants_.find(at->second.tenant);
  const auto series = tenant->second.find(at->second.series);
  std::erase_if(series->second, [&](const entry& e) { return e.number == number; });
  if (series->second.empty())
    tenant->second.erase(series);
  written_.erase(at);
}

std::vector<exemplar_series> exemplar_store::select(std::string_view tenant, timestamp_ms mint,
                                                    timestamp_ms maxt,
                                                    std::span<const matchers> selectors) const {
  std::vector<exemplar_series> out;
  const std::lock_guard guard(mutex_);
  const auto t = tenants_.find(tenant);
  if (t == tenants_.end())
    return out;
  for (const auto& [series, list] : t->second) {
    const bool wanted = std::any_of(selectors.begin(), selectors.end(),
                                    [&](const matchers& ms) { return matches_all(ms, series); });
    if (!wanted)
      continue;
    exemplar_series found{series, {}};
    for (const auto& e : list)
      if (e.value.ts >= mint && e.value.ts <= maxt)
        found.exemplars.push_back(e.value);
    if (!found.exemplars.empty())
      out.push_back(std::move(found));
  }
  return out;
}

bool exemplar_store::contains(std::string_view tenant, const labels& series,
                              timestamp_ms ts) const {
  const std::lock_guard guard(mutex_);
  const auto t = tenants_.find(tenant);
  if (t == tenants_.end())
    return false;
  const auto s = t->second.find(series);
  if (s == t->second.end())
    return false;
  return std::any_of(s->second.begin(), s->second.end(),
                     [&](const entry& e) { return e.value.ts == ts; });
}

void exemplar_store::erase(std::string_view tenant, const labels& series, timestamp_ms mint,
                           timestamp_ms maxt) {
  const std::lock_guard guard(mutex_);
  const auto t = tenants_.find(tenant);
  if (t == tenants_.end())
    return;
  const auto s = t->second.find(series);
  if (s == t->second.end())
    return;
  std::vector<uint64_t> gone;
  for (const auto& e : s->second)
    if (e.value.ts >= mint && e.value.ts <= maxt)
      gone.push_back(e.number);
  for (const uint64_t number : gone)
    drop(number);
}

size_t exemplar_store::size() const {
  const std::lock_guard guard(mutex_);
  return written_.size();
}

void exemplar_store::for_each(
    const std::function<void(std::string_view, const labels&, const exemplar&)>& visit) const {
  const std::lock_guard guard(mutex_);
  for (const auto& [number, at] : written_) {
    const auto& list = tenants_.find(at.tenant)->second.find(at.series)->second;
    for (const entry& e : list)
      if (e.number == number)
        visit(at.tenant, at.series, e.value);
  }
}

}  // namespace troupe::storage
