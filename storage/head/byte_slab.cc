#include "storage/head/byte_slab.h"

#include "storage/base/check.h"

#include <cstring>

namespace troupe::storage {

uint32_t byte_slab::take_block() {
  ++used_;
  if (free_ != no_block) {
    const uint32_t n = free_;
    free_ = at(n).before;
    if (free_ != no_block)
      __builtin_prefetch(&at(free_), 1);
    return n;
  }
  TROUPE_CHECK(next_ != no_block);
  if (next_ == pages_.size() * page_blocks)
    pages_.push_back(std::unique_ptr<page>(new page));
  return next_++;
}

std::span<const uint8_t> byte_slab::read(const slab_bytes& b, buffer& to) const {
  uint32_t n = b.last;
  size_t end = b.size, part = b.size_in_last;
  while (end > 0) {
    const block& from = at(n);
    end -= part;
    std::memcpy(to.data() + end, from.bytes.data(), part);
    n = from.before;
    part = block_bytes;
  }
  return std::span(to).first(b.size);
}

void byte_slab::release(slab_bytes& b) {
  for (size_t left = b.size, part = b.size_in_last; left > 0; part = block_bytes) {
    block& freed = at(b.last);
    left -= part;
    const uint32_t before = freed.before;
    freed.before = free_;
    free_ = b.last;
    b.last = before;
    --used_;
  }
  b = {};
}

}  // namespace troupe::storage
