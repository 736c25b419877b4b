#include "storage/head/budget_ledger.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace troupe::storage {
namespace {

void add_to(const budget_list& budgets, std::string_view tenant, const labels& series) {
  for (const auto& b : budgets)
    if (const auto g = b->group_of(tenant, series))
      b->add(*g);
}

void remove_from(const budget_list& budgets, std::string_view tenant, const labels& series) {
  for (const auto& b : budgets)
    if (const auto g = b->group_of(tenant, series))
      b->remove(*g);
}

void give_back_to(std::span<const std::shared_ptr<budget_counter>> budgets, std::string_view tenant,
                  const labels& series) {
  for (const auto& b : budgets)
    if (const auto g = b->group_of(tenant, series))
      b->give_back(*g);
}

}  // namespace

void budget_ledger::adopt(budget_list_ptr budgets) {
  budget_list counted, joining;
  for (const auto& b : *budgets) {
    const bool known = std::find(counted_.begin(), counted_.end(), b) != counted_.end();
    (known ? counted : joining).push_back(b);
  }
  counted_ = std::move(counted);
  joining_ = std::move(joining);
  counted_until_ = {};
}

bool budget_ledger::count_some(head& head, size_t budget) {
  if (joining_.empty())
    return true;
  const bool done =
      head.visit(counted_until_, budget, [&](const head_tenant& tenant, const head_series& s) {
        add_to(joining_, tenant.name, s.lset());
      });
  if (!done)
    return false;
  for (const auto& r : reserved_)
    add_to(joining_, r.tenant, r.series);
  std::move(joining_.begin(), joining_.end(), std::back_inserter(counted_));
  joining_.clear();
  return true;
}

const budget_counter* budget_ledger::admits(std::string_view tenant, const labels& series) {
  reserved_series key{std::string(tenant), series};
  if (reserved_.contains(key))
    return nullptr;
  bool concerned = false;
  for (size_t i = 0; i < counted_.size(); ++i) {
    const auto g = counted_[i]->group_of(tenant, series);
    concerned = concerned || g;
    if (!g || counted_[i]->reserve(*g))
      continue;
    give_back_to({counted_.data(), i}, tenant, series);
    return counted_[i].get();
  }
  if (concerned)
    reserved_.insert(std::move(key));
  return nullptr;
}

bool budget_ledger::would_ask(std::string_view tenant, const labels& series) const {
  return !reserved_.contains({std::string(tenant), series}) &&
         std::any_of(counted_.begin(), counted_.end(),
                     [&](const auto& b) { return b->group_of(tenant, series).has_value(); });
}

void budget_ledger::give_back_reserved() {
  for (const auto& r : reserved_)
    give_back_to(counted_, r.tenant, r.series);
  reserved_.clear();
}

void budget_ledger::created(std::string_view tenant, const head_series& s) {
  if (counted_.empty() && joining_.empty())
    return;
  const labels& series = s.lset();
  if (reserved_.empty() || reserved_.erase({std::string(tenant), series}) == 0)
    add_to(counted_, tenant, series);
  if (counted_until_.is_behind(tenant, s.ref()))
    add_to(joining_, tenant, series);
}

void budget_ledger::removed(std::string_view tenant, const head_series& s) {
  remove_from(counted_, tenant, s.lset());
  if (counted_until_.is_behind(tenant, s.ref()))
    remove_from(joining_, tenant, s.lset());
}

}  // namespace troupe::storage
