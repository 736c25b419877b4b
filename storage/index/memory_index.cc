#include "storage/index/memory_index.h"

#include "storage/base/check.h"

#include <algorithm>
#include <mutex>

namespace troupe::storage {
namespace {

void insert_ref(posting_list& list, series_ref ref) {
  if (list.empty() || list.back() < ref) {
    list.push_back(ref);
    return;
  }
  const auto at = std::lower_bound(list.begin(), list.end(), ref);
  if (at == list.end() || *at != ref)
    list.insert(at, ref);
}

bool full(const std::vector<std::string>& out, size_t limit) {
  return limit != 0 && out.size() >= limit;
}

void keep_greatest(std::vector<memory_index::entry>& entries, size_t limit) {
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.value != b.value ? a.value > b.value : a.name < b.name;
  });
  if (entries.size() > limit)
    entries.resize(limit);
}

}  // namespace

// The index as resolve() sees it, for a caller that holds the lock.
class memory_index::view final : public postings_source {
 public:
  explicit view(const memory_index& index) : index_(&index) {}

  posting_list all() const override { return index_->all_; }
  result<posting_list> lookup(std::string_view name, std::string_view value) const override {
    const auto values = index_->names_.find(name);
    if (values == index_->names_.end())
      return posting_list();
    const auto list = values->second.find(value);
    return list == values->second.end() ? posting_list() : list->second;
  }
  result<std::vector<posting_list>> collect(std::string_view name,
                                            const value_filter& keep) const override {
    std::vector<posting_list> lists;
    const auto values = index_->names_.find(name);
    if (values == index_->names_.end())
      return lists;
    for (const auto& [value, list] : values->second)
      if (keep(value))
        lists.push_back(list);
    return lists;
  }
  posting_list select(std::span<const matcher> ms) const {
    auto refs = resolve(*this, ms);
    TROUPE_CHECK(refs.ok());  // an index in memory has nothing that can fail
    return std::move(*refs);
  }

 private:
  const memory_index* index_;
};

void memory_index::add(series_ref ref, const labels& series) {
  const std::unique_lock lock(mutex_);
  insert_ref(all_, ref);
  for (const auto& label : series) {
    auto values = names_.find(label.name);
    if (values == names_.end())
      values = names_.emplace(std::string(label.name), value_map()).first;
    auto list = values->second.find(label.value);
    if (list == values->second.end())
      list = values->second.emplace(std::string(label.value), posting_list()).first;
    insert_ref(list->second, ref);
  }
}

void memory_index::remove(std::span<const std::pair<series_ref, labels>> gone) {
  std::map<std::pair<std::string_view, std::string_view>, posting_list> by_pair;
  posting_list refs;
  for (const auto& [ref, series] : gone) {
    refs.push_back(ref);
    for (const auto& label : series)
      by_pair[{label.name, label.value}].push_back(ref);
  }
  const auto without = [](const posting_list& from, posting_list& what) {
    std::sort(what.begin(), what.end());
    return subtract(from, what);
  };
  const std::unique_lock lock(mutex_);
  all_ = without(all_, refs);
  for (auto& [pair, list] : by_pair) {
    const auto values = names_.find(pair.first);
    if (values == names_.end())
      continue;
    const auto at = values->second.find(pair.second);
    if (at == values->second.end())
      continue;
    at->second = without(at->second, list);
    if (at->second.empty())
      values->second.erase(at);
    if (values->second.empty())
      names_.erase(values);
  }
}

posting_list memory_index::select(std::span<const matcher> ms) const {
  const std::shared_lock lock(mutex_);
  return view(*this).select(ms);
}

std::vector<std::string> memory_index::label_names(std::span<const matcher> ms,
                                                   size_t limit) const {
  const std::shared_lock lock(mutex_);
  const posting_list wanted = ms.empty() ? posting_list() : view(*this).select(ms);
  std::vector<std::string> out;
  for (const auto& [name, values] : names_) {
    const bool any = ms.empty() || std::any_of(values.begin(), values.end(), [&](const auto& v) {
                       return intersects(v.second, wanted);
                     });
    if (any)
      out.push_back(name);
    if (full(out, limit))
      break;
  }
  return out;
}

std::vector<std::string> memory_index::label_values(std::string_view name,
                                                    std::span<const matcher> ms,
                                                    size_t limit) const {
  const std::shared_lock lock(mutex_);
  std::vector<std::string> out;
  const auto values = names_.find(name);
  if (values == names_.end())
    return out;
  const posting_list wanted = ms.empty() ? posting_list() : view(*this).select(ms);
  for (const auto& [value, list] : values->second) {
    if (ms.empty() || intersects(list, wanted))
      out.push_back(value);
    if (full(out, limit))
      break;
  }
  return out;
}

uint64_t memory_index::series_count() const {
  const std::shared_lock lock(mutex_);
  return all_.size();
}

memory_index::cardinality memory_index::stats(size_t limit) const {
  const std::shared_lock lock(mutex_);
  cardinality c;
  for (const auto& [name, values] : names_) {
    uint64_t bytes = 0;
    for (const auto& [value, list] : values) {
      bytes += value.size() * list.size();
      c.series_by_pair.push_back({name + "=" + value, list.size()});
      if (name == metric_name_label)
        c.series_by_metric.push_back({value, list.size()});
    }
    c.label_pairs += values.size();
    c.values_by_label.push_back({name, values.size()});
    c.memory_by_label.push_back({name, bytes});
  }
  keep_greatest(c.series_by_metric, limit);
  keep_greatest(c.values_by_label, limit);
  keep_greatest(c.memory_by_label, limit);
  keep_greatest(c.series_by_pair, limit);
  return c;
}

}  // namespace troupe::storage
