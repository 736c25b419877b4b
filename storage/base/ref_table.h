// A hash table of 32-bit references to objects that are kept elsewhere: 4 bytes a cell, half to
// three quarters of them in use. Hashes are asked for, not stored. Not thread-safe.
#pragma once

#include <algorithm>
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

  /// The reference with this hash for which equal(ref) holds; asked of references with other hashes
  /// too.
  template <class Equal>
  uint32_t find(uint32_t hash, Equal equal) const {
    if (cells_.empty())
      return none;
    for (size_t i = home(hash); cells_[i] != none; i = next(i))
      if (equal(cells_[i]))
        return cells_[i];
    return none;
  }
  /// `ref` is not in the table. hash_of(ref) gives the hash of any reference in it.
  template <class HashOf>
  void insert(uint32_t ref, uint32_t hash, HashOf hash_of) {
    if ((size_ + 1) * 4 > cells_.size() * 3)
      resize(cells_.size() + cells_.size() / 2 + 8, hash_of);
    put(ref, hash);
    ++size_;
  }
  /// `ref` is in the table.
  template <class HashOf>
  void erase(uint32_t ref, uint32_t hash, HashOf hash_of) {
    size_t hole = home(hash);
    while (cells_[hole] != ref)
      hole = next(hole);
    // Close the gap: move back whatever may stand nearer to its home.
    for (size_t i = next(hole); cells_[i] != none; i = next(i)) {
      if (distance(home(hash_of(cells_[i])), i) < distance(hole, i))
        continue;
      cells_[hole] = cells_[i];
      hole = i;
    }
    cells_[hole] = none;
    --size_;
    if (size_ * 4 < cells_.size())
      resize(size_ * 2 + 8, hash_of);
  }
  /// Makes room for `n` references.
  template <class HashOf>
  void reserve(size_t n, HashOf hash_of) {
    if (n * 4 > cells_.size() * 3)
      resize(n + n / 2 + 8, hash_of);
  }
  void clear() {
    cells_ = std::vector<uint32_t>();
    size_ = 0;
  }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  size_t memory_bytes() const { return cells_.capacity() * sizeof(uint32_t); }

 private:
  size_t home(uint32_t hash) const {
    return static_cast<size_t>((uint64_t{hash} * cells_.size()) >> 32);
  }
  size_t next(size_t i) const { return i + 1 == cells_.size() ? 0 : i + 1; }
  size_t distance(size_t from, size_t to) const {
    return to >= from ? to - from : to + cells_.size() - from;
  }
  void put(uint32_t ref, uint32_t hash) {
    size_t i = home(hash);
    while (cells_[i] != none)
      i = next(i);
    cells_[i] = ref;
  }
  template <class HashOf>
  void resize(size_t cells, HashOf hash_of) {
    const std::vector<uint32_t> old = std::exchange(cells_, std::vector<uint32_t>(cells));
    for (const uint32_t ref : old)
      if (ref != none)
        put(ref, hash_of(ref));
  }

  std::vector<uint32_t> cells_;
  size_t size_ = 0;
};

}  // namespace troupe
