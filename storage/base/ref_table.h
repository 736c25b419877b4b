// A hash table of 32-bit references to objects that are kept elsewhere: 5 bytes a cell, 58 to 88 %
// of them in use. Of a hash 8 bits are stored, so that few others are looked at; all of it is asked
// for when the table grows. Not thread-safe.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace troupe {

/// Open addressing, linear probing, cells in order of the upper bits of a 32-bit hash. 0 is no
/// reference.
class ref_table {
 public:
  static constexpr uint32_t none = 0;

  /// The reference with this hash for which equal(ref) holds; asked of some with other hashes too.
  template <class Equal>
  uint32_t find(uint32_t hash, Equal equal) const {
    if (cells_.empty())
      return none;
    for (size_t i = home(hash);; i = next(i)) {
      const uint32_t ref = cells_[i].ref();
      if (ref == none || (cells_[i].tag == tag_of(hash) && equal(ref)))
        return ref;
    }
  }
  /// `ref` is not in the table. hash_of(ref) gives the hash of any reference in it.
  template <class HashOf>
  void insert(uint32_t ref, uint32_t hash, HashOf hash_of) {
    if (is_full(size_ + 1))
      resize(cells_.size() + cells_.size() / 2 + 8, hash_of);
    put(ref, hash);
    ++size_;
  }
  /// `ref` is in the table.
  template <class HashOf>
  void erase(uint32_t ref, uint32_t hash, HashOf hash_of) {
    size_t hole = home(hash);
    while (cells_[hole].ref() != ref)
      hole = next(hole);
    // Close the gap: move back whatever may stand nearer to its home.
    for (size_t i = next(hole); cells_[i].ref() != none; i = next(i)) {
      if (distance(home(hash_of(cells_[i].ref())), i) < distance(hole, i))
        continue;
      cells_[hole] = cells_[i];
      hole = i;
    }
    cells_[hole] = {};
    --size_;
    if (size_ * 4 < cells_.size())
      resize(size_ * 2 + 8, hash_of);
  }
  /// Makes room for `n` references.
  template <class HashOf>
  void reserve(size_t n, HashOf hash_of) {
    if (is_full(n))
      resize(n + n / 2 + 8, hash_of);
  }
  void clear() {
    cells_ = std::vector<cell>();
    size_ = 0;
  }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  size_t memory_bytes() const { return cells_.capacity() * sizeof(cell); }

 private:
  /// Without alignment: five bytes.
  struct cell {
    std::array<uint8_t, sizeof(uint32_t)> bytes{};
    uint8_t tag = 0;
    uint32_t ref() const { return std::bit_cast<uint32_t>(bytes); }
  };
  static_assert(sizeof(cell) == 5);

  static uint8_t tag_of(uint32_t hash) { return static_cast<uint8_t>(hash); }
  bool is_full(size_t n) const { return n * 8 > cells_.size() * 7; }
  size_t home(uint32_t hash) const {
    return static_cast<size_t>((uint64_t{hash} * cells_.size()) >> 32);
  }
  size_t next(size_t i) const { return i + 1 == cells_.size() ? 0 : i + 1; }
  size_t distance(size_t from, size_t to) const {
    return to >= from ? to - from : to + cells_.size() - from;
  }
  void put(uint32_t ref, uint32_t hash) {
    size_t i = home(hash);
    while (cells_[i].ref() != none)
      i = next(i);
    cells_[i] = {std::bit_cast<decltype(cell::bytes)>(ref), tag_of(hash)};
  }
  template <class HashOf>
  void resize(size_t cells, HashOf hash_of) {
    const std::vector<cell> old = std::exchange(cells_, std::vector<cell>(cells));
    for (const cell& c : old)
      if (c.ref() != none)
        put(c.ref(), hash_of(c.ref()));
  }

  std::vector<cell> cells_;
  size_t size_ = 0;
};

}  // namespace troupe
