#include "pipeline/scrape/series_set.h"

#include "storage/model/slot.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace troupe::scrape {
const labels& series_set::at(uint32_t position) const {
  const size_t committed = table_ ? table_->series.size() : 0;
  return position < committed ? table_->series[position] : added_[position - committed];
}

void series_set::index_position(uint32_t position) {
  const size_t mask = index_.size() - 1;
  size_t i = at(position).hash() & mask;
  while (index_[i] != 0)
    i = (i + 1) & mask;
  index_[i] = position + 1;
}

void series_set::build_index(size_t capacity) {
  index_.assign(std::bit_ceil(std::max<size_t>(16, capacity * 2)), 0);
  for (uint32_t p = 0; p < size(); ++p)
    index_position(p);
}

uint32_t series_set::find_or_add(const labels& series) {
  if (index_.size() < (size() + 1) * size_t{2})
    build_index(size() + 1);
  const size_t mask = index_.size() - 1;
  for (size_t i = series.hash() & mask; index_[i] != 0; i = (i + 1) & mask)
    if (at(index_[i] - 1) == series)
      return index_[i] - 1;
  const uint32_t position = size();
  added_.push_back(series.packed());
  index_position(position);
  return position;
}

void series_set::commit(std::string_view tenant) {
  if (added_.empty() && table_)
    return;
  std::vector<uint16_t> slots;
  slots.reserve(added_.size());
  for (const auto& l : added_)
    slots.push_back(slot_of(tenant, l));
  table_ = extend_series_table(table_.get(), std::exchange(added_, {}), std::move(slots));
}

void series_set::rollback() {
  if (added_.empty())
    return;
  added_ = std::vector<labels>();
  drop_index();
}

bool series_set::is_sparse(const bitmap& live) const {
  size_t count = 0;
  live.for_each([&](uint32_t) { ++count; });
  return size() > count + count / 4 + 32;
}

std::vector<uint32_t> series_set::compact(const bitmap& live) {
  std::vector<uint32_t> moved(size(), 0xffffffff);
  std::vector<labels> kept;
  std::vector<uint16_t> slots;
  for (uint32_t p = 0; p < moved.size(); ++p) {
    if (!live.test(p))
      continue;
    moved[p] = static_cast<uint32_t>(kept.size());
    kept.push_back(table_->series[p]);
    slots.push_back(table_->slot(p));
  }
  table_ = extend_series_table(nullptr, std::move(kept), std::move(slots));
  drop_index();
  return moved;
}

size_t series_set::heap_bytes() const {
  size_t out = index_.capacity() * sizeof(uint32_t) + added_.capacity() * sizeof(labels);
  if (table_) {
    out += table_->memory_bytes();
    for (const auto& l : table_->series)
      out += l.heap_bytes();
  }
  return out;
}

}  // namespace troupe::scrape
