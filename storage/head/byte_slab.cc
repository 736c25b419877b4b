#include "storage/head/byte_slab.h"

#include "storage/base/check.h"

#include <cstring>

namespace troupe::storage {

uint32_t byte_slab::allocate(uint8_t size_class) {
  used_ += classes[size_class];
  if (const uint32_t cell = free_[size_class]; cell != no_cell) {
    std::memcpy(&free_[size_class], at(cell), sizeof(uint32_t));
    return cell;
  }
  const uint32_t units = classes[size_class] / unit;
  if (next_unit_ + units > page_units) {
    // What is left of the page serves the smallest runs.
    for (; next_unit_ + classes[1] / unit <= page_units; next_unit_ += classes[1] / unit)
      put_free((pages_.size() - 1) * page_units + next_unit_, 1);
    pages_.push_back(std::unique_ptr<page>(new page));
    next_unit_ = 0;
  }
  const uint32_t cell = (pages_.size() - 1) * page_units + next_unit_;
  next_unit_ += units;
  return cell;
}

void byte_slab::put_free(uint32_t cell, uint8_t size_class) {
  std::memcpy(at(cell), &free_[size_class], sizeof(uint32_t));
  free_[size_class] = cell;
}

void byte_slab::grow(slab_bytes& b, uint16_t wanted) {
  TROUPE_CHECK(wanted <= max_bytes);
  auto size_class = static_cast<uint8_t>(b.size_class + 1);
  while (classes[size_class] < wanted)
    ++size_class;
  const uint32_t cell = allocate(size_class);
  if (b.size_class != 0) {
    std::memcpy(at(cell), at(b.cell), b.size);
    used_ -= classes[b.size_class];
    put_free(b.cell, b.size_class);
  }
  b.cell = cell;
  b.size_class = size_class;
}

void byte_slab::release(slab_bytes& b) {
  if (b.size_class != 0) {
    used_ -= classes[b.size_class];
    put_free(b.cell, b.size_class);
  }
  b = {};
}

}  // namespace troupe::storage
