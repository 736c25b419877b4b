#include "storage/series_budgets.h"

#include <algorithm>

namespace troupe::storage {
namespace {

/// At most so often ended series are looked for, and not for more than a part of the time.
constexpr int64_t look_interval_ns = 5'000'000'000;
constexpr int64_t look_part = 50;
/// A series that gets no samples for so long has ended, whether it says so or not.
constexpr int64_t idle_ms = 3600 * 1000;

// Whether the newest sample of a series says that there will be no others.
class end_finder {
 public:
  end_finder(const head_samples& samples, timestamp_ms idle_since)
      : samples_(samples), idle_since_(idle_since) {}

  bool has_ended(const head_series& s) {
    const auto range = samples_.time_range(s);
    if (!range || range->second < idle_since_)
      return true;
    columns_.clear();
    if (!samples_.snapshot(s, range->second, range->second, snapshot_).ok() ||
        !snapshot_.read(range->second, range->second, columns_).ok())
      return false;
    return (!columns_.values.empty() && is_stale(columns_.values.back())) ||
           (!columns_.histograms.empty() && columns_.histograms.back().value->is_stale());
  }

 private:
  const head_samples& samples_;
  const timestamp_ms idle_since_;
  series_snapshot snapshot_;
  sample_columns columns_;
};

}  // namespace

void series_budgets::set(const std::vector<series_budget>& rules) {
  const auto next = replace_budgets(*in_force(), rules);
  {
    const std::lock_guard guard(mutex_);
    budgets_ = next;
  }
  for (const auto& s : shards_)
    s->adopt_budgets(next);
}

budget_list_ptr series_budgets::in_force() const {
  const std::lock_guard guard(mutex_);
  return budgets_;
}

void series_budgets::step() {
  const int64_t begin = clock_.monotonic_ns();
  if (begin < next_look_ns_)
    return;
  const auto budgets = in_force();
  for (const auto& b : *budgets)
    for (const auto& g : b->groups_to_look_at())
      b->set_ended(g, count_ended(*b, g));
  const int64_t end = clock_.monotonic_ns();
  next_look_ns_ = end + std::max(look_interval_ns, look_part * (end - begin));
}

uint64_t series_budgets::count_ended(const budget_counter& budget,
                                     const budget_counter::group& g) const {
  const matchers selector = budget.selector_of(g);
  uint64_t out = 0;
  for (const auto& s : shards_) {
    const head& h = s->memory();
    const head_tenant* tenant = h.find_tenant(g.tenant);
    if (tenant == nullptr)
      continue;
    end_finder finder(h.samples(), clock_.now_ms() - idle_ms);
    const series_selection selected = h.select(*tenant, selector);
    for (const head_series* series : selected.series)
      out += finder.has_ended(*series);
  }
  return out;
}

std::vector<budget_state> series_budgets::states(size_t groups) const {
  std::vector<budget_state> out;
  for (const auto& b : *in_force())
    out.push_back(b->state(groups));
  return out;
}

}  // namespace troupe::storage
