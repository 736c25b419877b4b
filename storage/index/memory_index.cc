#include "storage/index/memory_index.h"

#include "storage/base/check.h"

#include <algorithm>
#include <mutex>
#include <unordered_map>

namespace troupe::storage {
namespace {

/// What a label has of fewer values is matched anew each time.
constexpr size_t min_cached_values = 64;

// Sorted and unique, cut at `limit` (0: no limit).
std::vector<std::string> tidy(std::vector<std::string> all, size_t limit) {
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (limit != 0 && all.size() > limit)
    all.resize(limit);
  return all;
}

void keep_greatest(std::vector<memory_index::entry>& entries, size_t limit) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.value != b.value ? a.value > b.value : a.name < b.name;
  });
  if (entries.size() > limit)
    entries.resize(limit);
}

// A list of the index itself, for as long as its lock is held.
postings_ptr borrowed(const posting_set& list) {
  return {postings_ptr(), &list};
}

}  // namespace

// The index as resolve() sees it, for a caller that holds the lock.
class memory_index::view final : public postings_source {
 public:
  explicit view(const memory_index& index) : index_(index) {}

  postings_ptr all() const override { return borrowed(index_.all_); }
  result<postings_ptr> lookup(std::string_view name, std::string_view value) const override {
    std::vector<postings_ptr> lists;
    const uint32_t found = index_.find_value(label_pair::find(name, value));
    // What the pool found is not counted: only a pair of this index is sure to be the one that was
    // asked for.
    if (found != ref_table::none &&
        index_.values_[found - 1].pair.view() == label_view{name, value})
      lists.push_back(borrowed(index_.values_[found - 1].refs));
    add_loose(
        name, [&](std::string_view v) { return v == value; }, lists);
    return lists.size() == 1 ? lists.front() : std::make_shared<const posting_set>(unite(lists));
  }
  result<std::vector<postings_ptr>> collect(const matcher& m, bool wanted) const override {
    std::vector<postings_ptr> lists;
    const auto matches = [&](std::string_view value) { return m.matches(value) == wanted; };
    if (const auto name = index_.names_.find(m.name()); name != index_.names_.end()) {
      const auto numbers = matching_values(name->second, m, wanted);
      for (const uint32_t number : *numbers)
        lists.push_back(borrowed(index_.values_[number].refs));
    }
    add_loose(m.name(), matches, lists);
    return lists;
  }

 private:
  list_cache::value matching_values(const name_entry& name, const matcher& m, bool wanted) const {
    std::string key = (wanted ? "+" : "-") + m.to_string();
    if (auto known = index_.cache_.find(key, name.epoch))
      return known;
    auto made = std::make_shared<std::vector<uint32_t>>();
    for (const uint32_t number : name.values)
      if (m.matches(index_.values_[number].text()) == wanted)
        made->push_back(number);
    if (name.values.size() >= min_cached_values)
      index_.cache_.put(std::move(key), name.epoch, made, index_.cache_limit());
    return made;
  }
  template <class F>
  void add_loose(std::string_view name, F matches, std::vector<postings_ptr>& lists) const {
    posting_list refs;
    for (const auto& [ref, series] : index_.loose_)
      if (const auto value = series.get(name); !value.empty() && matches(value))
        refs.push_back(ref);
    if (!refs.empty())
      lists.push_back(std::make_shared<const posting_set>(posting_set::of(refs)));
  }

  const memory_index& index_;
};

uint32_t memory_index::find_value(uint32_t pair_id) const {
  if (pair_id == 0)
    return ref_table::none;
  return by_pair_.find(hash_of(pair_id),
                       [&](uint32_t ref) { return values_[ref - 1].pair.id() == pair_id; });
}

memory_index::value_entry& memory_index::value_of(uint32_t pair_id) {
  if (const uint32_t known = find_value(pair_id); known != ref_table::none)
    return values_[known - 1];
  if (free_values_.empty()) {
    free_values_.push_back(static_cast<uint32_t>(values_.size()));
    values_.emplace_back();
  }
  const uint32_t number = free_values_.back();
  free_values_.pop_back();
  value_entry& v = values_[number];
  v.pair = label_pair(pair_id);
  by_pair_.insert(number + 1, hash_of(pair_id),
                  [&](uint32_t ref) { return hash_of(values_[ref - 1].pair.id()); });
  const auto name = v.pair.view().name;
  auto at = names_.find(name);
  if (at == names_.end())
    at = names_.emplace(std::string(name), name_entry()).first;
  at->second.values.push_back(number);
  at->second.epoch = ++value_epoch_;
  return v;
}

void memory_index::add(series_ref ref, const labels& series) {
  const labels packed = series.packed();
  const std::unique_lock lock(mutex_);
  ++epoch_;
  all_.add(ref);
  for (const uint32_t id : packed.pair_ids())
    value_of(id).refs.add(ref);
  if (!packed.empty() && !packed.is_packed())
    loose_.emplace(ref, packed);
  note_change(packed);
}

// A series of these labels comes or goes.
void memory_index::note_change(const labels& packed) {
  if (!packed.is_packed()) {
    loose_epoch_ = epoch_;
    return;
  }
  const auto ids = packed.pair_ids();
  size_t i = 0;
  for (const label_view& l : packed) {
    if (l.name == metric_name_label)
      if (const uint32_t number = find_value(ids[i]); number != ref_table::none)
        metric_epochs_[number - 1] = epoch_;
    ++i;
  }
}

memory_index::metric_state memory_index::metric(std::string_view name) const {
  const std::shared_lock lock(mutex_);
  metric_state out{loose_epoch_, loose_.size()};
  const uint32_t number = find_value(label_pair::find(metric_name_label, name));
  if (number == ref_table::none ||
      values_[number - 1].pair.view() != label_view{metric_name_label, name})
    return out;
  out.series += values_[number - 1].refs.size();
  if (const auto at = metric_epochs_.find(number - 1); at != metric_epochs_.end())
    out.version = std::max(out.version, at->second);
  return out;
}

void memory_index::remove(std::span<const std::pair<series_ref, labels>> gone) {
  const std::unique_lock lock(mutex_);
  ++epoch_;
  std::unordered_map<uint32_t, posting_list> by_value;
  posting_list refs;
  for (const auto& [ref, series] : gone) {
    refs.push_back(ref);
    loose_.erase(ref);
    const labels packed = series.packed();
    for (const uint32_t id : packed.pair_ids())
      if (const uint32_t number = find_value(id); number != ref_table::none)
        by_value[number - 1].push_back(ref);
    note_change(packed);
  }
  std::sort(refs.begin(), refs.end());
  all_.remove(refs);
  std::vector<uint32_t> emptied;
  for (auto& [number, list] : by_value) {
    std::sort(list.begin(), list.end());
    values_[number].refs.remove(list);
    if (values_[number].refs.empty())
      emptied.push_back(number);
  }
  erase_values(emptied);
}

// Values without series.
void memory_index::erase_values(const std::vector<uint32_t>& numbers) {
  for (const uint32_t number : numbers) {
    const auto at = names_.find(values_[number].pair.view().name);
    // The first of a name takes out all of it.
    if (at == names_.end())
      continue;
    auto& values = at->second.values;
    if (std::erase_if(values, [&](uint32_t n) { return values_[n].refs.empty(); }) != 0)
      at->second.epoch = ++value_epoch_;
    if (values.empty())
      names_.erase(at);
  }
  const auto hash = [&](uint32_t ref) { return hash_of(values_[ref - 1].pair.id()); };
  for (const uint32_t number : numbers) {
    by_pair_.erase(number + 1, hash(number + 1), hash);
    values_[number].pair = label_pair();
    metric_epochs_.erase(number);
    free_values_.push_back(number);
  }
}

posting_list memory_index::select(std::span<const matcher> ms) const {
  std::string key = "?";
  for (const matcher& m : ms)
    key += m.to_string() + ",";
  const std::shared_lock lock(mutex_);
  if (ms.empty())
    return all_.to_list();
  if (const auto known = cache_.find(key, epoch_))
    return *known;
  const auto refs = resolve_set(view(*this), ms);
  TROUPE_CHECK(refs.ok());  // an index in memory has nothing that can fail
  auto list = std::make_shared<const posting_list>((*refs)->to_list());
  cache_.put(std::move(key), epoch_, list, cache_limit());
  return *list;
}

std::vector<std::string> memory_index::label_names(std::span<const matcher> ms,
                                                   size_t limit) const {
  const std::shared_lock lock(mutex_);
  const auto refs = resolve_set(view(*this), ms);
  TROUPE_CHECK(refs.ok());
  const posting_set& wanted = **refs;
  std::vector<std::string> out;
  for (const auto& [name, n] : names_)
    if (std::any_of(n.values.begin(), n.values.end(),
                    [&](uint32_t v) { return intersects(values_[v].refs, wanted); }))
      out.push_back(name);
  for (const auto& [ref, series] : loose_)
    if (wanted.contains(ref))
      for (const auto& label : series)
        out.emplace_back(label.name);
  return tidy(std::move(out), limit);
}

list_cache::value memory_index::sorted_values(std::string_view name, const name_entry& n) const {
  std::string key = "<" + std::string(name);
  if (auto known = cache_.find(key, n.epoch))
    return known;
  auto made = std::make_shared<std::vector<uint32_t>>(n.values);
  std::sort(made->begin(), made->end(),
            [&](uint32_t a, uint32_t b) { return values_[a].text() < values_[b].text(); });
  if (n.values.size() >= min_cached_values)
    cache_.put(std::move(key), n.epoch, made, cache_limit());
  return made;
}

std::vector<std::string> memory_index::label_values(std::string_view name,
                                                    std::span<const matcher> ms,
                                                    size_t limit) const {
  const std::shared_lock lock(mutex_);
  const auto refs = resolve_set(view(*this), ms);
  TROUPE_CHECK(refs.ok());
  const posting_set& wanted = **refs;
  std::vector<std::string> out;
  if (const auto at = names_.find(name); at != names_.end()) {
    const auto values = sorted_values(name, at->second);
    for (const uint32_t v : *values) {
      if (!ms.empty() && !intersects(values_[v].refs, wanted))
        continue;
      out.emplace_back(values_[v].text());
      if (out.size() == limit)
        break;
    }
  }
  for (const auto& [ref, series] : loose_)
    if (const auto value = series.get(name); !value.empty() && wanted.contains(ref))
      out.emplace_back(value);
  return loose_.empty() ? out : tidy(std::move(out), limit);
}

uint64_t memory_index::series_count() const {
  const std::shared_lock lock(mutex_);
  return all_.size();
}

size_t memory_index::cache_limit() const {
  return (64u << 10) + all_.size() * 8;
}

size_t memory_index::memory_bytes() const {
  const std::shared_lock lock(mutex_);
  size_t n = values_.size() * sizeof(value_entry) + free_values_.capacity() * sizeof(uint32_t) +
             by_pair_.memory_bytes() + all_.memory_bytes() + cache_.memory_bytes() +
             metric_epochs_.size() * 4 * sizeof(uint64_t);
  for (const auto& v : values_)
    n += v.refs.memory_bytes();
  for (const auto& [name, values] : names_)
    n += sizeof(name_map::value_type) + values.values.capacity() * sizeof(uint32_t);
  return n;
}

memory_index::cardinality memory_index::stats(size_t limit) const {
  const std::shared_lock lock(mutex_);
  cardinality c;
  for (const auto& [name, n] : names_) {
    uint64_t bytes = 0;
    for (const uint32_t number : n.values) {
      const std::string value(values_[number].text());
      const size_t series = values_[number].refs.size();
      bytes += value.size() * series;
      c.series_by_pair.push_back({name + "=" + value, series});
      if (name == metric_name_label)
        c.series_by_metric.push_back({value, series});
    }
    c.label_pairs += n.values.size();
    c.values_by_label.push_back({name, n.values.size()});
    c.memory_by_label.push_back({name, bytes});
  }
  keep_greatest(c.series_by_metric, limit);
  keep_greatest(c.values_by_label, limit);
  keep_greatest(c.memory_by_label, limit);
  keep_greatest(c.series_by_pair, limit);
  return c;
}

}  // namespace troupe::storage
