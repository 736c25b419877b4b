#include "storage/model/batch.h"

#include "storage/model/slot.h"

#include <algorithm>
#include <iterator>

namespace troupe {

series_table_ptr make_series_table(std::string_view tenant, std::vector<labels> series) {
  auto t = std::make_shared<series_table>();
  t->slots.reserve(series.size());
  bool uniform = true;
  for (const labels& l : series) {
    t->slots.push_back(slot_of(tenant, l));
    uniform = uniform && t->slots.back() == t->slots.front();
  }
  t->uniform_slot = uniform && !t->slots.empty() ? t->slots.front() : -1;
  t->series = std::move(series);
  return t;
}

series_table_ptr extend_series_table(const series_table* base, std::vector<labels> added,
                                     std::vector<uint16_t> slots) {
  auto t = std::make_shared<series_table>();
  if (base) {
    t->series.reserve(base->series.size() + added.size());
    t->slots.reserve(base->slots.size() + slots.size());
    t->series = base->series;
    t->slots = base->slots;
  }
  t->series.insert(t->series.end(), std::make_move_iterator(added.begin()),
                   std::make_move_iterator(added.end()));
  t->slots.insert(t->slots.end(), slots.begin(), slots.end());
  bool uniform = std::all_of(t->slots.begin(), t->slots.end(),
                             [&](uint16_t s) { return s == t->slots.front(); });
  t->uniform_slot = uniform && !t->slots.empty() ? t->slots.front() : -1;
  return t;
}

}  // namespace troupe
