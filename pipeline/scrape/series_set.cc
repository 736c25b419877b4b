#include "pipeline/scrape/series_set.h"

#include "storage/model/slot.h"

#include <algorithm>
#include <utility>

namespace troupe::scrape {
const labels& series_set::at(uint32_t position) const {
  const size_t committed = table_ ? table_->series.size() : 0;
  return position < committed ? table_->series[position] : added_[position - committed];
}

void series_set::build_index() {
  const auto hash = [this](uint32_t ref) { return hash_of(ref); };
  index_.reserve(size() + 1, hash);
  for (uint32_t ref = 1; ref <= size(); ++ref)
    index_.insert(ref, hash_of(ref), hash);
}

uint32_t series_set::find_or_add(const labels& series) {
  if (index_.empty())
    build_index();
  const auto wanted = static_cast<uint32_t>(series.hash() >> 32);
  const uint32_t known = index_.find(wanted, [&](uint32_t ref) { return at(ref - 1) == series; });
  if (known != ref_table::none)
    return known - 1;
  added_.push_back(series.packed());
  index_.insert(size(), wanted, [this](uint32_t ref) { return hash_of(ref); });
  return size() - 1;
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
  size_t out = index_.memory_bytes() + added_.capacity() * sizeof(labels);
  if (table_) {
    out += table_->memory_bytes();
    for (const auto& l : table_->series)
      out += l.heap_bytes();
  }
  return out;
}

}  // namespace troupe::scrape
