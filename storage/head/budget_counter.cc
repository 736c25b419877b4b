#include "storage/head/budget_counter.h"

#include "storage/model/tenant.h"

#include <algorithm>

namespace troupe::storage {

budget_counter::budget_counter(series_budget of) : rule_(std::move(of)), limit_(rule_.limit) {}

bool budget_counter::counts_as(const series_budget& other) const {
  return rule_.name == other.name && rule_.selector == other.selector && rule_.by == other.by;
}

std::optional<budget_counter::group> budget_counter::group_of(std::string_view tenant,
                                                              const labels& series) const {
  if (is_own_tenant(tenant) || !matches_all(rule_.selector, series))
    return std::nullopt;
  std::vector<label_view> values;
  values.reserve(rule_.by.size());
  for (const auto& name : rule_.by)
    values.push_back({name, series.get(name)});
  return group{std::string(tenant), labels::from_views(std::move(values))};
}

bool budget_counter::reserve(const group& g) {
  stripe& s = stripe_of(g);
  const std::lock_guard lock(s.mutex);
  const auto at = s.groups.find(g);
  if (at == s.groups.end()) {
    s.groups.emplace(g, figures{.series = 1});
    return true;
  }
  figures& f = at->second;
  if (f.active() < limit()) {
    ++f.series;
    return true;
  }
  ++f.refused;
  f.wants_room = true;
  return false;
}

void budget_counter::add(const group& g) {
  stripe& s = stripe_of(g);
  const std::lock_guard lock(s.mutex);
  ++s.groups[g].series;
}

void budget_counter::drop_one(const group& g, bool was_series) {
  stripe& s = stripe_of(g);
  const std::lock_guard lock(s.mutex);
  const auto at = s.groups.find(g);
  if (at == s.groups.end())
    return;
  figures& f = at->second;
  --f.series;
  // What leaves the heads has ended long ago.
  f.ended -= was_series && f.ended > 0;
  if (f.series > 0)
    return;
  s.refused_before += f.refused;
  s.groups.erase(at);
}

void budget_counter::give_back(const group& g) {
  drop_one(g, false);
}

void budget_counter::remove(const group& g) {
  drop_one(g, true);
}

std::vector<budget_counter::group> budget_counter::groups_to_look_at() const {
  std::vector<group> out;
  for (const stripe& s : stripes_) {
    const std::lock_guard lock(s.mutex);
    for (const auto& [g, f] : s.groups)
      if (f.series > 0 && (f.wants_room || f.ended > 0))
        out.push_back(g);
  }
  std::sort(out.begin(), out.end(), [](const group& a, const group& b) {
    return a.tenant != b.tenant ? a.tenant < b.tenant : a.values < b.values;
  });
  return out;
}

void budget_counter::set_ended(const group& g, uint64_t series) {
  stripe& s = stripe_of(g);
  const std::lock_guard lock(s.mutex);
  const auto at = s.groups.find(g);
  if (at == s.groups.end())
    return;
  at->second.ended = std::min(series, at->second.series);
  at->second.wants_room = false;
}

matchers budget_counter::selector_of(const group& g) const {
  matchers out = rule_.selector;
  for (const auto& name : rule_.by)
    out.push_back(matcher::equal(name, std::string(g.values.get(name))));
  return out;
}

budget_state budget_counter::state(size_t limit_groups) const {
  budget_state out;
  out.name = rule_.name;
  out.by = rule_.by;
  out.limit = limit();
  for (const stripe& s : stripes_) {
    const std::lock_guard lock(s.mutex);
    out.group_count += s.groups.size();
    out.refused += s.refused_before;
    for (const auto& [g, f] : s.groups) {
      out.refused += f.refused;
      out.groups.push_back({g.tenant, g.values, f.active(), f.refused});
    }
  }
  std::sort(out.groups.begin(), out.groups.end(), [](const auto& a, const auto& b) {
    if (a.refused != b.refused)
      return a.refused > b.refused;
    if (a.series != b.series)
      return a.series > b.series;
    return a.tenant != b.tenant ? a.tenant < b.tenant : a.values < b.values;
  });
  if (out.groups.size() > limit_groups)
    out.groups.resize(limit_groups);
  return out;
}

budget_list_ptr replace_budgets(const budget_list& before,
                                const std::vector<series_budget>& rules) {
  auto out = std::make_shared<budget_list>();
  for (const auto& rule : rules) {
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const auto& b) { return b->counts_as(rule); });
    if (same != before.end()) {
      (*same)->set_limit(rule.limit);
      out->push_back(*same);
    } else {
      out->push_back(std::make_shared<budget_counter>(rule));
    }
  }
  return out;
}

}  // namespace troupe::storage
