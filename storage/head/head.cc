#include "storage/head/head.h"

#include "storage/base/fault_twin.h"
#include "storage/base/hash.h"

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

// Names the scrape target that a series comes from: its series share timestamps. A guess, by what
// usually has common timestamps: a wrong one costs memory, nothing else.
uint64_t target_of(std::string_view tenant, const labels& lset) {
  const std::string_view instance = lset.get("instance");
  const uint64_t seed = xxh3(tenant);
  if (instance.empty())
    return xxh3(lset.metric_name(), seed);
  return xxh3(instance, xxh3(lset.get("job"), seed + 1));
}

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
    : settings_(settings),
      samples_(settings.range_ms, settings.min_region_bytes),
      exemplars_(settings.max_exemplars) {}

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

head_series* head::find_or_create(head_tenant& tenant, const labels& lset) {
  if (head_series* known = tenant.series.find(lset))
    return known;
  head_series* made;
  {
    const std::unique_lock lock(structure_);
    made = &tenant.series.create(lset.packed());
    samples_.join(*made, target_of(tenant.name, lset));
  }
  tenant.index.add(made->ref(), lset);
  series_count_.fetch_add(1, std::memory_order_relaxed);
  if (settings_.node_series)
    settings_.node_series->fetch_add(1, std::memory_order_relaxed);
  if (settings_.listener)
    settings_.listener->created(tenant.name, *made);
  return made;
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

void head::apply_floats(const head_input& input, std::span<const float_entry> floats,
                        std::vector<head_series*>& refs,
                        const std::function<head_series*(uint32_t)>& miss, apply_counts& counts) {
  timestamp_ms newest = max_ts_.load(std::memory_order_relaxed);
  timestamp_ms oldest = max_time;
  const timestamp_ms late_bound = late_bound_.load(std::memory_order_relaxed);
  position_cursor refused(input.refused_floats);
  auto start = input.starts.begin();
  page_guard guard;
  for (uint32_t i = 0; i < floats.size(); ++i) {
    prefetch(floats, refs, i);
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
    head_series*& s = refs[f.series];
    if (s == nullptr) {
      guard.release();
      s = miss(f.series);
    }
    const insert_result r = samples_.insert(*s, f.ts, value, start_ts, guard);
    if (r == insert_result::stored && f.ts >= late_bound) [[likely]]
      ++counts.stored;
    else
      count(r, f.ts, counts);
  }
  note_times(oldest, newest);
}

// What the samples a little ahead will touch.
void head::prefetch(std::span<const float_entry> floats, const std::vector<head_series*>& refs,
                    size_t i) const {
  constexpr size_t near = 12, far = 32;
  if (i + far < floats.size())
    __builtin_prefetch(refs[floats[i + far].series], 1);
  if (i + near < floats.size())
    if (const head_series* s = refs[floats[i + near].series])
      samples_.prefetch(*s);
}

void head::note_times(timestamp_ms oldest, timestamp_ms newest) {
  max_ts_.store(std::max(newest, max_ts()), std::memory_order_relaxed);
  min_ts_.store(std::min(oldest, min_ts()), std::memory_order_relaxed);
  round_min_ts_ = std::min(round_min_ts_, oldest);
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
  if (TROUPE_FAULT(swap_values))
    apply_floats(input, with_swapped_values(input.floats), refs, miss, counts);
  else
    apply_floats(input, input.floats, refs, miss, counts);
  position_cursor refused(input.refused_histograms);
  for (uint32_t i = 0; i < input.histograms.size(); ++i) {
    if (refused.hit(i))
      continue;
    const histogram_entry& h = input.histograms[i];
    count(samples_.insert(*series_of(h.series), {h.ts, h.start_ts, h.value}), h.ts, counts);
    note_times(h.ts, h.ts);
  }
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
    samples_.erase(*s, mint, maxt);
}

// Visits the series of all tenants from `at` on, about `budget` of them: visit(tenant, series).
// True at the end, from where it begins anew.
template <class F>
bool head::walk(position& at, size_t budget, F&& visit) {
  for (auto t = tenants_.lower_bound(at.tenant); t != tenants_.end(); ++t) {
    if (t->first != at.tenant)
      at = {t->first, 0};
    for (; at.ref < t->second->series.next_ref(); ++at.ref) {
      if (budget-- == 0)
        return false;
      if (head_series* s = t->second->series.at(at.ref))
        visit(*t->second, *s);
    }
  }
  at = {};
  return true;
}

bool head::visit(position& at, size_t budget,
                 const std::function<void(const head_tenant&, const head_series&)>& f) {
  return walk(at, budget, f);
}

void head::remove(head_tenant& tenant, const std::vector<head_series*>& gone) {
  std::vector<std::pair<series_ref, labels>> entries;
  for (const head_series* s : gone)
    entries.emplace_back(s->ref(), s->lset());
  tenant.index.remove(entries);
  for (head_series* s : gone) {
    if (settings_.listener)
      settings_.listener->removed(tenant.name, *s);
    {
      const std::unique_lock lock(structure_);
      tenant.series.remove(*s);
    }
    samples_.leave(*s);
    removed_.emplace_back(&tenant, s->ref());
  }
  // Whoever selects from now on does not find them.
  readers_.turn();
  ++generation_;
  series_count_.fetch_sub(gone.size(), std::memory_order_relaxed);
  if (settings_.node_series)
    settings_.node_series->fetch_sub(gone.size(), std::memory_order_relaxed);
}

bool head::reclaim() {
  if (removed_.empty())
    return false;
  if (!readers_.drained())
    return true;
  const std::unique_lock lock(structure_);
  for (const auto& [tenant, ref] : removed_)
    tenant->series.reclaim(ref);
  removed_.clear();
  return false;
}

bool head::collect_garbage(size_t budget) {
  reclaim();
  std::map<head_tenant*, std::vector<head_series*>> gone;
  const bool done = walk(garbage_, budget, [&](head_tenant& tenant, head_series& s) {
    if (const auto range = samples_.time_range(s))
      round_min_ts_ = std::min(round_min_ts_, range->first);
    else
      gone[&tenant].push_back(&s);
  });
  for (const auto& [tenant, series] : gone)
    remove(*tenant, series);
  if (!done)
    return false;
  min_ts_.store(round_min_ts_, std::memory_order_relaxed);
  round_min_ts_ = max_time;
  return true;
}

void head::begin_cut(timestamp_ms bound) {
  set_late_bound(bound);
  samples_.begin_cut(bound);
  sealing_ = {};
}

bool head::seal(size_t budget, tenant_ranges& ranges) {
  return walk(sealing_, budget, [&](head_tenant& tenant, head_series& s) {
    std::set<timestamp_ms> found;
    samples_.seal(s, found);
    if (!found.empty())
      ranges[tenant.name].merge(found);
  });
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

series_selection head::select(const head_tenant& tenant, std::span<const matcher> ms) const {
  series_selection out{readers_.enter(), {}};
  const posting_list refs = tenant.index.select(ms);
  out.series.reserve(refs.size());
  for (size_t i = 0; i < refs.size();) {
    const std::shared_lock lock(structure_);
    for (const size_t end = std::min(refs.size(), i + lock_slice); i < end; ++i)
      if (const head_series* s = tenant.series.at(refs[i]))
        out.series.push_back(s);
  }
  return out;
}

series_selection head::all_series(const head_tenant& tenant) const {
  return select(tenant, {});
}

const head_series* head::at(const head_tenant& tenant, uint32_t ref) const {
  const std::shared_lock lock(structure_);
  return tenant.series.at(ref);
}

void head::set_late_bound(timestamp_ms bound) {
  late_bound_.store(bound, std::memory_order_relaxed);
  late_samples_.store(0, std::memory_order_relaxed);
}

}  // namespace troupe::storage
