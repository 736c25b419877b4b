#include "storage/head/series_map.h"

#include "storage/base/check.h"

namespace troupe::storage {

head_series* series_map::find(const labels& lset) const {
  const uint32_t number =
      by_labels_.find(hash_of(lset), [&](uint32_t other) { return raw(other - 1).lset() == lset; });
  return number == ref_table::none ? nullptr : &raw(number - 1);
}

head_series* series_map::at(uint32_t ref) const {
  if (ref >= next_ref_ || !pages_[ref / series_page::size])
    return nullptr;
  series_page& page = page_of(ref);
  const uint32_t place = ref % series_page::size;
  return page.live[place] ? &page.series[place] : nullptr;
}

head_series& series_map::create(const labels& lset) {
  TROUPE_CHECK(next_ref_ < UINT32_MAX - 1);
  const uint32_t ref = next_ref_++;
  if (ref / series_page::size == pages_.size())
    pages_.push_back(std::make_unique<series_page>(ref));
  series_page& page = page_of(ref);
  ++page.used;
  page.live.set(ref % series_page::size);
  head_series& s = page.series[ref % series_page::size];
  s.lset_ = lset;
  by_labels_.insert(ref + 1, hash_of(lset), [this](uint32_t number) { return hash_at(number); });
  return s;
}

void series_map::remove(head_series& series) {
  const uint32_t ref = series.ref();
  by_labels_.erase(ref + 1, hash_of(series.lset()),
                   [this](uint32_t number) { return hash_at(number); });
  page_of(ref).live.reset(ref % series_page::size);
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
  return by_labels_.memory_bytes() + live * sizeof(series_page) + pages_.size() * sizeof(void*);
}

}  // namespace troupe::storage
