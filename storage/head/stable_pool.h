// Objects that never move, named by small numbers that are reused. One writer creates and destroys;
// any thread may look up a number that it learnt under a lock which the writer takes to publish it.
#pragma once

#include "storage/base/check.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace troupe::storage {

/// A growing list of pages that readers may index while the writer appends.
template <class Page>
class page_directory {
 public:
  page_directory() = default;
  ~page_directory() {
    for (uint32_t p = 0; p < size_; ++p)
      delete &(*this)[p];
    for (auto& b : blocks_)
      delete b.load(std::memory_order_relaxed);
  }
  page_directory(const page_directory&) = delete;
  page_directory& operator=(const page_directory&) = delete;

  Page& operator[](uint32_t n) const {
    const block* b = blocks_[n / block_size].load(std::memory_order_acquire);
    return *(*b)[n % block_size].load(std::memory_order_acquire);
  }
  uint32_t size() const { return size_; }
  void push_back(std::unique_ptr<Page> page) {
    TROUPE_CHECK(size_ < block_count * block_size);
    if (size_ % block_size == 0)
      blocks_[size_ / block_size].store(new block(), std::memory_order_release);
    block* b = blocks_[size_ / block_size].load(std::memory_order_relaxed);
    (*b)[size_++ % block_size].store(page.release(), std::memory_order_release);
  }

 private:
  static constexpr uint32_t block_size = 512, block_count = 512;
  using block = std::array<std::atomic<Page*>, block_size>;

  std::array<std::atomic<block*>, block_count> blocks_{};
  uint32_t size_ = 0;
};

/// T is default-constructible and move-assignable; a destroyed one is reset to T{}. Number 0 is
/// never given out.
template <class T, uint32_t page_size = 256>
class stable_pool {
 public:
  T& operator[](uint32_t number) const { return pages_[number / page_size][number % page_size]; }

  uint32_t create() {
    if (!free_.empty()) {
      const uint32_t n = free_.back();
      free_.pop_back();
      return n;
    }
    if (next_ >= pages_.size() * page_size)
      pages_.push_back(std::make_unique<page>());
    return next_++;
  }
  void destroy(uint32_t number) {
    (*this)[number] = T{};
    free_.push_back(number);
  }
  size_t size() const { return next_ - 1 - free_.size(); }
  size_t memory_bytes() const {
    return pages_.size() * sizeof(page) + free_.capacity() * sizeof(uint32_t);
  }

 private:
  using page = std::array<T, page_size>;

  page_directory<page> pages_;
  std::vector<uint32_t> free_;
  uint32_t next_ = 1;
};

}  // namespace troupe::storage
