#include "storage/head/series_map.h"

#include "storage/base/check.h"

#include <algorithm>

namespace troupe::storage {

head_series* series_map::find(const labels& lset) const {
  if (cells_.empty())
    return nullptr;
  const uint64_t hash = lset.hash();
  const size_t mask = cells_.size() - 1;
  for (size_t i = hash & mask; cells_[i].ref != empty_cell; i = (i + 1) & mask) {
    if (cells_[i].hash != static_cast<uint32_t>(hash >> 32))
      continue;
    head_series& s = raw(cells_[i].ref - 1);
    if (s.lset() == lset)
      return &s;
  }
  return nullptr;
}

head_series* series_map::at(uint32_t ref) const {
  if (ref >= next_ref_ || !pages_[ref / series_page::size])
    return nullptr;
  head_series& s = raw(ref);
  return s.live_ ? &s : nullptr;
}

void series_map::put(uint32_t ref, uint64_t hash) {
  const size_t mask = cells_.size() - 1;
  size_t i = hash & mask;
  while (cells_[i].ref != empty_cell)
    i = (i + 1) & mask;
  cells_[i] = {ref + 1, static_cast<uint32_t>(hash >> 32)};
}

void series_map::grow() {
  const std::vector<cell> old =
      std::exchange(cells_, std::vector<cell>(std::max<size_t>(16, cells_.size() * 2)));
  for (const auto& c : old)
    if (c.ref != empty_cell)
      put(c.ref - 1, raw(c.ref - 1).lset().hash());
}

head_series& series_map::create(const labels& lset) {
  TROUPE_CHECK(next_ref_ < UINT32_MAX - 1);
  const uint32_t ref = next_ref_++;
  if (ref / series_page::size == pages_.size())
    pages_.push_back(std::make_unique<series_page>());
  series_page& page = *pages_[ref / series_page::size];
  ++page.used;
  head_series& s = page.series[ref % series_page::size];
  s.lset_ = lset;
  s.ref_ = ref;
  s.live_ = true;
  if ((size_ + 1) * 4 > cells_.size() * 3)
    grow();
  put(ref, lset.hash());
  ++size_;
  return s;
}

void series_map::remove(head_series& series) {
  const uint32_t ref = series.ref();
  const size_t mask = cells_.size() - 1;
  size_t i = series.lset().hash() & mask;
  while (cells_[i].ref != ref + 1) {
    TROUPE_CHECK(cells_[i].ref != empty_cell);
    i = (i + 1) & mask;
  }
  // Close the gap: move back whatever may stand nearer to its home.
  for (size_t j = i;;) {
    j = (j + 1) & mask;
    if (cells_[j].ref == empty_cell)
      break;
    const size_t home = raw(cells_[j].ref - 1).lset().hash() & mask;
    if (((j - home) & mask) >= ((j - i) & mask)) {
      cells_[i] = cells_[j];
      i = j;
    }
  }
  cells_[i] = {};
  --size_;
  series.live_ = false;
}

void series_map::reclaim(uint32_t ref) {
  auto& page = pages_[ref / series_page::size];
  page->series[ref % series_page::size].lset_ = {};
  // The last page is still being filled.
  if (--page->used == 0 && ref / series_page::size + 1 < pages_.size())
    page.reset();
}

size_t series_map::memory_bytes() const {
  size_t live = 0;
  for (const auto& p : pages_)
    live += p != nullptr;
  return cells_.size() * sizeof(cell) + live * sizeof(series_page) + pages_.size() * sizeof(void*);
}

}  // namespace troupe::storage
