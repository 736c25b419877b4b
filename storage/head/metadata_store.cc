#include "storage/head/metadata_store.h"

#include <algorithm>

namespace troupe::storage {

void metadata_store::add(std::string_view tenant, const metadata_entry& entry) {
  const std::lock_guard guard(mutex_);
  auto t = tenants_.find(tenant);
  if (t == tenants_.end())
    t = tenants_.emplace(std::string(tenant), families()).first;
  auto f = t->second.find(entry.family);
  if (f == t->second.end()) {
    if (family_count_ >= max_families)
      return;
    ++family_count_;
    f = t->second.emplace(entry.family, std::vector<metadata>()).first;
  }
  auto& variants = f->second;
  const auto known = std::find(variants.begin(), variants.end(), entry.value);
  if (known != variants.end()) {
    std::rotate(variants.begin(), known, known + 1);
    return;
  }
  variants.insert(variants.begin(), entry.value);
  if (variants.size() > max_variants)
    variants.pop_back();
}

bool metadata_store::contains(std::string_view tenant, const metadata_entry& entry) const {
  const std::lock_guard guard(mutex_);
  const auto t = tenants_.find(tenant);
  if (t == tenants_.end())
    return false;
  const auto f = t->second.find(entry.family);
  return f != t->second.end() &&
         std::find(f->second.begin(), f->second.end(), entry.value) != f->second.end();
}

std::vector<std::pair<std::string, metadata>> metadata_store::select(std::string_view tenant,
                                                                     std::string_view family,
                                                                     size_t limit) const {
  std::vector<std::pair<std::string, metadata>> out;
  const std::lock_guard guard(mutex_);
  const auto t = tenants_.find(tenant);
  if (t == tenants_.end())
    return out;
  const auto add = [&](const auto& f) {
    for (const auto& m : f->second)
      out.emplace_back(f->first, m);
  };
  if (!family.empty()) {
    if (const auto f = t->second.find(family); f != t->second.end())
      add(f);
    return out;
  }
  size_t n = 0;
  for (auto f = t->second.begin(); f != t->second.end() && (limit == 0 || n < limit); ++f, ++n)
    add(f);
  return out;
}

void metadata_store::for_each(
    const std::function<void(std::string_view, const metadata_entry&)>& visit) const {
  const std::lock_guard guard(mutex_);
  for (const auto& [tenant, families] : tenants_)
    for (const auto& [family, variants] : families)
      for (auto v = variants.rbegin(); v != variants.rend(); ++v)
        visit(tenant, {family, *v});
}

}  // namespace troupe::storage
