#include "storage/head_statistics.h"

#include "storage/model/tenant.h"

#include <algorithm>
#include <map>
#include <set>

namespace troupe::storage {
namespace {

using sums = std::map<std::string, uint64_t>;

void add_all(const std::vector<memory_index::entry>& from, sums& to) {
  for (const auto& e : from)
    to[e.name] += e.value;
}

std::vector<head_stats::entry> top(const sums& all, size_t limit) {
  std::vector<head_stats::entry> out;
  for (const auto& [name, value] : all)
    out.push_back({name, value});
  std::stable_sort(out.begin(), out.end(),
                   [](const auto& a, const auto& b) { return a.value > b.value; });
  if (out.size() > limit)
    out.resize(limit);
  return out;
}

// The same value may occur in several shards: count distinct ones for the names that are shown.
void count_distinct(const std::vector<const head_tenant*>& tenants,
                    std::vector<head_stats::entry>& shown) {
  for (auto& e : shown) {
    std::set<std::string> values;
    for (const auto* t : tenants)
      for (auto& v : t->index.label_values(e.name, {}, 0))
        values.insert(std::move(v));
    e.value = values.size();
  }
  std::stable_sort(shown.begin(), shown.end(),
                   [](const auto& a, const auto& b) { return a.value > b.value; });
}

}  // namespace

head_stats head_statistics(std::span<const std::unique_ptr<shard>> shards, size_t limit) {
  head_stats out;
  sums metrics, values, memory, pairs;
  std::vector<const head_tenant*> tenants;
  timestamp_ms lo = troupe::max_time, hi = troupe::min_time;
  for (const auto& s : shards) {
    const head& h = s->memory();
    out.series += h.series_count();
    lo = std::min(lo, h.min_ts());
    hi = std::max(hi, h.max_ts());
    for (const auto* t : h.tenants()) {
      if (is_own_tenant(t->name)) {
        out.series -= h.all_series(*t).series.size();
        continue;
      }
      tenants.push_back(t);
      const auto c = t->index.stats(SIZE_MAX);
      add_all(c.series_by_metric, metrics);
      add_all(c.values_by_label, values);
      add_all(c.memory_by_label, memory);
      add_all(c.series_by_pair, pairs);
      const series_selection all = h.all_series(*t);
      for (const head_series* series : all.series)
        out.chunks += h.samples().chunk_count(*series);
    }
  }
  if (lo <= hi) {
    out.min_time = lo;
    out.max_time = hi;
  }
  out.label_pairs = pairs.size();
  out.series_by_metric = top(metrics, limit);
  out.values_by_label = top(values, limit);
  count_distinct(tenants, out.values_by_label);
  out.memory_by_label = top(memory, limit);
  out.series_by_pair = top(pairs, limit);
  return out;
}

void count_active(std::span<const std::unique_ptr<shard>> shards, growth_report& growth) {
  std::map<labels, uint64_t> known;
  const auto active = [&](const labels& of) {
    const auto [at, fresh] = known.emplace(of, 0);
    if (!fresh)
      return at->second;
    matchers ms;
    for (const label_view l : of)
      ms.push_back(matcher::equal(std::string(l.name), std::string(l.value)));
    for (const auto& s : shards)
      for (const auto* t : s->memory().tenants())
        if (!is_own_tenant(t->name))
          at->second += t->index.select(ms).size();
    return at->second;
  };
  for (auto& window : growth)
    for (auto* list : {&window.metrics, &window.jobs, &window.targets, &window.pairs})
      for (auto& entry : list->top)
        entry.active = active(entry.of);
}

}  // namespace troupe::storage
