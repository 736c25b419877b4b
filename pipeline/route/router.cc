#include "pipeline/route/router.h"

#include "storage/base/check.h"

namespace troupe::route {

namespace {

/// Moves the entries of one kind to the parts of their series' shards.
template <class Entry, class Plan>
void scatter(const std::vector<Entry>& entries, std::vector<Entry> write_batch::*field,
             const Plan& p, std::vector<std::shared_ptr<write_batch>>& parts) {
  for (const Entry& e : entries) {
    Entry moved = e;
    moved.series = p.position[e.series];
    (parts[p.shard[e.series]].get()->*field).push_back(std::move(moved));
  }
}

}  // namespace

batch_router::batch_router(uint32_t shards, size_t remembered_tables)
    : shards_(shards), capacity_(remembered_tables) {
  TROUPE_CHECK(shards > 0 && remembered_tables > 0);
}

std::vector<batch_part> batch_router::split(const batch_ptr& batch) {
  if (!batch->table || batch->table->series.empty())
    return {{0, batch}};
  if (shards_ == 1)
    return {{0, batch}};
  if (batch->table->uniform_slot >= 0)
    return {{shard_of(static_cast<uint16_t>(batch->table->uniform_slot)), batch}};

  const plan& p = plan_for(batch->table);
  if (p.only_shard >= 0)
    return {{static_cast<uint32_t>(p.only_shard), batch}};
  std::vector<std::shared_ptr<write_batch>> parts(shards_);
  for (uint32_t s = 0; s < shards_; ++s) {
    if (!p.tables[s])
      continue;
    parts[s] = std::make_shared<write_batch>();
    parts[s]->tenant = batch->tenant;
    parts[s]->group = batch->group;
    parts[s]->table = p.tables[s];
    parts[s]->source_position = batch->source_position;
    parts[s]->taken_over = batch->taken_over;
  }
  auto next_start = batch->starts.begin();
  for (uint32_t i = 0; i < batch->floats.size(); ++i) {
    float_entry e = batch->floats[i];
    write_batch& part = *parts[p.shard[e.series]];
    e.series = p.position[e.series];
    if (next_start != batch->starts.end() && next_start->index == i) {
      part.starts.push_back({static_cast<uint32_t>(part.floats.size()), next_start->start_ts});
      ++next_start;
    }
    part.floats.push_back(e);
  }
  scatter(batch->histograms, &write_batch::histograms, p, parts);
  scatter(batch->exemplars, &write_batch::exemplars, p, parts);

  std::vector<batch_part> out;
  for (uint32_t s = 0; s < shards_; ++s) {
    if (!parts[s])
      continue;
    if (out.empty())
      parts[s]->metadata =
          batch->metadata;  // metadata belong to the tenant: any one shard may hold them
    else if (parts[s]->floats.empty() && parts[s]->histograms.empty() &&
             parts[s]->exemplars.empty())
      continue;
    out.push_back({s, std::move(parts[s])});
  }
  return out;
}

const batch_router::plan& batch_router::plan_for(const series_table_ptr& table) {
  if (auto it = by_table_.find(table.get()); it != by_table_.end()) {
    plans_.splice(plans_.begin(), plans_, it->second);
    return plans_.front();
  }
  if (plans_.size() >= capacity_) {
    by_table_.erase(plans_.back().source.get());
    plans_.pop_back();
  }
  plan p;
  p.source = table;
  const size_t n = table->series.size();
  const uint32_t first = shard_of(table->slot(0));
  size_t same = 1;
  while (same < n && shard_of(table->slot(same)) == first)
    ++same;
  if (same == n)
    p.only_shard = first;
  else
    divide(*table, p);
  plans_.push_front(std::move(p));
  by_table_[table.get()] = plans_.begin();
  return plans_.front();
}

void batch_router::divide(const series_table& table, plan& out) const {
  const size_t n = table.series.size();
  out.shard.resize(n);
  out.position.resize(n);
  std::vector<std::vector<labels>> series(shards_);
  std::vector<std::vector<uint16_t>> slots(shards_);
  for (size_t i = 0; i < n; ++i) {
    const uint32_t s = shard_of(table.slot(i));
    out.shard[i] = s;
    out.position[i] = static_cast<uint32_t>(series[s].size());
    series[s].push_back(table.series[i]);
    slots[s].push_back(table.slot(i));
  }
  for (uint32_t s = 0; s < shards_; ++s)
    out.tables.push_back(series[s].empty() ? nullptr
                                           : extend_series_table(nullptr, std::move(series[s]),
                                                                 std::move(slots[s])));
}

}  // namespace troupe::route
