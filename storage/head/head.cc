#include "storage/head/head.h"

#include "storage/base/fault_twin.h"

#include <algorithm>
#include <mutex>

namespace troupe::storage {
namespace {

/// Series looked up per hold of the structure lock.
constexpr size_t lock_slice = 4096;

// Steps through ascending positions beside a loop over all positions.
class position_cursor {
 public:
  explicit position_cursor(std::span<const uint32_t> positions) : positions_(positions) {}
  bool hit(uint32_t i) {
    while (at_ < positions_.size() && positions_[at_] < i)
      ++at_;
    return at_ < positions_.size() && positions_[at_] == i;
  }

 private:
  std::span<const uint32_t> positions_;
  size_t at_ = 0;
};

// The planted bug: the first two floats of different series exchange their values.
std::vector<float_entry> with_swapped_values(std::span<const float_entry> floats) {
  std::vector<float_entry> out(floats.begin(), floats.end());
  for (size_t i = 1; i < out.size(); ++i)
    if (out[i].series != out[0].series) {
      std::swap(out[i].value, out[0].value);
      break;
    }
  return out;
}

}  // namespace

head::head(const head_settings& settings)
    : settings_(settings), exemplars_(settings.max_exemplars) {}

head::~head() {
  if (settings_.node_series)
    settings_.node_series->fetch_sub(series_count());
}

head_tenant& head::tenant(std::string_view name) {
  if (const auto it = tenants_.find(name); it != tenants_.end())
    return *it->second;
  auto made = std::make_unique<head_tenant>();
  made->name = std::string(name);
  const std::unique_lock lock(structure_);
  return *tenants_.emplace(std::string(name), std::move(made)).first->second;
}

head_series* head::find_or_create(head_tenant& tenant, const labels& lset, uint16_t slot) {
  if (head_series* known = tenant.series.find(lset))
    return known;
  const uint32_t ref = tenant.series.next_ref();
  auto made = std::make_shared<head_series>(lset.packed(), slot, ref, settings_.range_ms);
  head_series* raw = made.get();
  {
    const std::unique_lock lock(structure_);
    tenant.series.insert(std::move(made));
  }
  tenant.index.add(ref, lset);
  series_count_.fetch_add(1, std::memory_order_relaxed);
  if (settings_.node_series)
    settings_.node_series->fetch_add(1, std::memory_order_relaxed);
  return raw;
}

void head::count(insert_result r, timestamp_ms ts, apply_counts& counts) {
  switch (r) {
    case insert_result::stored_out_of_order:
      ++counts.out_of_order;
      [[fallthrough]];
    case insert_result::stored:
      ++counts.stored;
      if (ts < late_bound_.load(std::memory_order_relaxed))
        late_samples_.fetch_add(1, std::memory_order_relaxed);
      return;
    case insert_result::duplicate:
      ++counts.duplicates;
      return;
    case insert_result::conflict:
      ++counts.conflicts;
      return;
  }
}

apply_counts head::apply(head_tenant& tenant, const head_input& input,
                         std::vector<head_series*>& refs,
                         const std::function<head_series*(uint32_t)>& miss) {
  apply_counts counts;
  const auto series_of = [&](uint32_t position) {
    head_series*& s = refs[position];
    if (s == nullptr)
      s = miss(position);
    return s;
  };
  std::vector<float_entry> swapped;
  auto floats = input.floats;
  if (TROUPE_FAULT(swap_values)) {
    swapped = with_swapped_values(floats);
    floats = swapped;
  }
  timestamp_ms newest = max_ts_.load(std::memory_order_relaxed);
  timestamp_ms oldest = max_time;
  position_cursor refused(input.refused_floats);
  auto start = input.starts.begin();
  for (uint32_t i = 0; i < floats.size(); ++i) {
    timestamp_ms start_ts = no_start_timestamp;
    while (start != input.starts.end() && start->index <= i) {
      if (start->index == i)
        start_ts = start->start_ts;
      ++start;
    }
    if (refused.hit(i))
      continue;
    const float_entry& f = floats[i];
    double value = f.value;
    if (TROUPE_FAULT(ignore_staleness) && is_stale(value))
      value = normal_nan();
    newest = std::max(newest, f.ts);
    oldest = std::min(oldest, f.ts);
    count(series_of(f.series)->insert(f.ts, value, start_ts), f.ts, counts);
  }
  position_cursor refused_histograms(input.refused_histograms);
  for (uint32_t i = 0; i < input.histograms.size(); ++i) {
    if (refused_histograms.hit(i))
      continue;
    const histogram_entry& h = input.histograms[i];
    newest = std::max(newest, h.ts);
    oldest = std::min(oldest, h.ts);
    count(series_of(h.series)->insert({h.ts, h.start_ts, h.value}), h.ts, counts);
  }
  max_ts_.store(newest, std::memory_order_relaxed);
  min_ts_.store(std::min(oldest, min_ts()), std::memory_order_relaxed);
  round_min_ts_ = std::min(round_min_ts_, oldest);
  if (!input.exemplars.empty())
    apply_exemplars(tenant, input, series_of);
  for (const auto& m : input.metadata)
    metadata_.add(tenant.name, m);
  return counts;
}

void head::apply_exemplars(const head_tenant& tenant, const head_input& input,
                           const std::function<head_series*(uint32_t)>& series_of) {
  position_cursor refused(input.refused_exemplars);
  for (uint32_t i = 0; i < input.exemplars.size(); ++i) {
    if (refused.hit(i))
      continue;
    const exemplar_entry& entry = input.exemplars[i];
    exemplars_.add(tenant.name, series_of(entry.series)->lset(), entry.value);
  }
}

void head::erase(std::string_view tenant, const labels& series, timestamp_ms mint,
                 timestamp_ms maxt) {
  exemplars_.erase(tenant, series, mint, maxt);
  const auto t = tenants_.find(tenant);
  if (t == tenants_.end())
    return;
  if (head_series* s = t->second->series.find(series))
    s->erase(mint, maxt);
}

bool head::collect_tenant(head_tenant& tenant, size_t& budget) {
  std::vector<std::pair<series_ref, labels>> gone;
  for (; garbage_ref_ < tenant.series.next_ref() && budget > 0; ++garbage_ref_, --budget) {
    const series_ptr s = tenant.series.at(garbage_ref_);
    if (!s)
      continue;
    if (const auto range = s->time_range())
      round_min_ts_ = std::min(round_min_ts_, range->first);
    else
      gone.emplace_back(s->ref(), s->lset());
  }
  if (!gone.empty()) {
    tenant.index.remove(gone);
    for (const auto& [ref, lset] : gone) {
      const std::unique_lock lock(structure_);
      tenant.series.remove(*tenant.series.at(ref));
    }
    ++generation_;
    series_count_.fetch_sub(gone.size(), std::memory_order_relaxed);
    if (settings_.node_series)
      settings_.node_series->fetch_sub(gone.size(), std::memory_order_relaxed);
  }
  return garbage_ref_ >= tenant.series.next_ref();
}

bool head::collect_garbage(size_t budget) {
  for (auto t = tenants_.lower_bound(garbage_tenant_); t != tenants_.end(); ++t) {
    if (t->first != garbage_tenant_) {
      garbage_tenant_ = t->first;
      garbage_ref_ = 0;
    }
    if (!collect_tenant(*t->second, budget))
      return false;
  }
  garbage_tenant_.clear();
  garbage_ref_ = 0;
  min_ts_.store(round_min_ts_, std::memory_order_relaxed);
  round_min_ts_ = max_time;
  return true;
}

const head_tenant* head::find_tenant(std::string_view name) const {
  const std::shared_lock lock(structure_);
  const auto it = tenants_.find(name);
  return it == tenants_.end() ? nullptr : it->second.get();
}

std::vector<const head_tenant*> head::tenants() const {
  std::vector<const head_tenant*> out;
  const std::shared_lock lock(structure_);
  for (const auto& [name, t] : tenants_)
    out.push_back(t.get());
  return out;
}

std::vector<series_ptr> head::select(const head_tenant& tenant, std::span<const matcher> ms) const {
  const posting_list refs = tenant.index.select(ms);
  std::vector<series_ptr> out;
  out.reserve(refs.size());
  for (size_t i = 0; i < refs.size();) {
    const std::shared_lock lock(structure_);
    for (const size_t end = std::min(refs.size(), i + lock_slice); i < end; ++i)
      if (series_ptr s = tenant.series.at(refs[i]))
        out.push_back(std::move(s));
  }
  return out;
}

std::vector<series_ptr> head::all_series(const head_tenant& tenant) const {
  return select(tenant, {});
}

void head::set_late_bound(timestamp_ms bound) {
  late_bound_.store(bound, std::memory_order_relaxed);
  late_samples_.store(0, std::memory_order_relaxed);
}

}  // namespace troupe::storage
