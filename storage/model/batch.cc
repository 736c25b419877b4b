#include "storage/model/batch.h"

#include "storage/model/slot.h"

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

}  // namespace troupe
