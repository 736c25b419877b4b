#include "storage/head/table_cache.h"

#include <algorithm>
#include <numeric>

namespace troupe::storage {
namespace {

// Positions with equal labels point to the first of them; empty if all label sets differ.
std::vector<uint32_t> find_repeats(const std::vector<labels>& series) {
  std::vector<std::pair<uint64_t, uint32_t>> by_hash;
  by_hash.reserve(series.size());
  for (uint32_t i = 0; i < series.size(); ++i)
    by_hash.emplace_back(series[i].hash(), i);
  std::sort(by_hash.begin(), by_hash.end());
  std::vector<uint32_t> canonical;
  for (size_t i = 1; i < by_hash.size(); ++i) {
    if (by_hash[i].first != by_hash[i - 1].first)
      continue;
    if (canonical.empty()) {
      canonical.resize(series.size());
      std::iota(canonical.begin(), canonical.end(), 0u);
    }
    for (size_t k = i; k-- > 0 && by_hash[k].first == by_hash[i].first;)
      if (series[by_hash[k].second] == series[by_hash[i].second])
        canonical[by_hash[i].second] = canonical[by_hash[k].second];
  }
  return canonical;
}

}  // namespace

table_refs_ptr table_cache::get(const head_tenant& tenant, uint64_t group,
                                const series_table_ptr& table) {
  const key k{&tenant, group};
  if (const auto found = by_key_.find(k); found != by_key_.end()) {
    entry& e = *found->second;
    e.used = true;
    entries_.splice(entries_.begin(), entries_, found->second);
    if (e.refs->table == table)
      return e.refs;
    entries_.pop_front();
    by_key_.erase(found);
  }
  auto refs = std::make_shared<table_refs>();
  refs->table = table;
  refs->refs.resize(table->series.size());
  refs->canonical = find_repeats(table->series);
  entries_.push_front({k, refs});
  by_key_.emplace(k, entries_.begin());
  if (by_key_.size() > capacity_) {
    by_key_.erase(entries_.back().at);
    entries_.pop_back();
  }
  return refs;
}

void table_cache::drop_idle() {
  for (auto e = entries_.begin(); e != entries_.end();) {
    if (e->used) {
      e->used = false;
      ++e;
      continue;
    }
    by_key_.erase(e->at);
    e = entries_.erase(e);
  }
}

}  // namespace troupe::storage
