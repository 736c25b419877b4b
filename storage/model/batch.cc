#include "storage/model/batch.h"

#include "storage/model/slot.h"

#include <algorithm>

namespace troupe {

series_table_ptr extend_series_table(const series_table* base, std::vector<labels> added,
                                     std::vector<uint16_t> slots) {
  auto t = std::make_shared<series_table>();
  const size_t before = base ? base->series.size() : 0;
  t->series.reserve(before + added.size());
  if (base)
    t->series = base->series;
  for (const labels& l : added)
    t->series.push_back(l.packed());
  const auto first = before != 0 ? base->slot(0) : slots.empty() ? uint16_t{0} : slots.front();
  const bool base_uniform = before == 0 || base->uniform_slot >= 0;
  if (base_uniform &&
      std::all_of(slots.begin(), slots.end(), [&](uint16_t s) { return s == first; })) {
    t->uniform_slot = t->series.empty() ? -1 : first;
    return t;
  }
  t->mixed_slots.reserve(t->series.size());
  for (size_t i = 0; i < before; ++i)
    t->mixed_slots.push_back(base->slot(i));
  t->mixed_slots.insert(t->mixed_slots.end(), slots.begin(), slots.end());
  return t;
}

series_table_ptr make_series_table(std::string_view tenant, std::vector<labels> series) {
  std::vector<uint16_t> slots;
  slots.reserve(series.size());
  for (const labels& l : series)
    slots.push_back(slot_of(tenant, l));
  return extend_series_table(nullptr, std::move(series), std::move(slots));
}

}  // namespace troupe
