// A growing set of small integers. One owner.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::scrape {

class bitmap {
 public:
  bool test(uint32_t i) const {
    return i / 64 < words_.size() && ((words_[i / 64] >> (i % 64)) & 1) != 0;
  }
  /// True if `i` was in the set before.
  bool test_and_set(uint32_t i) {
    if (i / 64 >= words_.size())
      words_.resize(i / 64 + 1);
    const uint64_t bit = 1ULL << (i % 64);
    const bool was = (words_[i / 64] & bit) != 0;
    words_[i / 64] |= bit;
    return was;
  }
  void set(uint32_t i) { test_and_set(i); }
  void clear() { words_.clear(); }
  bool empty() const {
    for (const auto w : words_)
      if (w != 0)
        return false;
    return true;
  }
  /// Calls f(i) in rising order for every i that is in this set and not in `other`.
  template <class F>
  void for_each_not_in(const bitmap& other, F f) const {
    for (size_t k = 0; k < words_.size(); ++k) {
      uint64_t w = words_[k] & ~(k < other.words_.size() ? other.words_[k] : 0);
      for (; w != 0; w &= w - 1)
        f(static_cast<uint32_t>(k * 64 + static_cast<size_t>(std::countr_zero(w))));
    }
  }
  template <class F>
  void for_each(F f) const {
    for_each_not_in(bitmap(), f);
  }
  /// Copies the content and gives back what memory it does not need.
  void assign_tight(const bitmap& from) {
    if (words_.capacity() > from.words_.size() * 2 + 4)
      words_ = std::vector<uint64_t>(from.words_);
    else
      words_ = from.words_;
  }
  size_t heap_bytes() const { return words_.capacity() * sizeof(uint64_t); }

 private:
  std::vector<uint64_t> words_;
};

}  // namespace troupe::scrape
