// Which of many keys occur most often, in bounded memory: counters for the keys that are frequent,
// all lowered by their median when there are too many (Misra, Gries: Finding repeated elements,
// 1982; in the form of Anderson et al.: A high-performance algorithm for identifying frequent items
// in data streams, IMC 2017, for which sums of sketches hold as well). Plain class; one owner.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace troupe {

/// A key came between its count and its count + missed() times; one that is not held at most
/// missed() times, which is at most 2 / `most` of all. Each key has a Payload: what is known of it.
template <class Payload>
class frequent_items {
 public:
  struct item {
    uint64_t key = 0;
    uint64_t count = 0;
    Payload payload;
  };

  /// Holds at most so many keys.
  explicit frequent_items(size_t most) : most_(most) {}

  /// `make()` gives the payload of a key that is not held. Valid until the next add().
  template <class Make>
  Payload& add(uint64_t key, uint64_t n, const Make& make) {
    total_ += n;
    return held(key, n, make).payload;
  }
  /// Adds all that `other` has; combine(ours, theirs) joins two payloads of a key.
  template <class Combine>
  void add(const frequent_items& other, const Combine& combine) {
    for (const item& i : other.items_) {
      bool fresh = false;
      item& mine = held(i.key, i.count, [&] {
        fresh = true;
        return i.payload;
      });
      if (!fresh)
        combine(mine.payload, i.payload);
    }
    total_ += other.total_;
    missed_ += other.missed_;
  }

  /// Those held, the most frequent first.
  std::vector<const item*> top() const {
    std::vector<const item*> out;
    for (const item& i : items_)
      out.push_back(&i);
    std::sort(out.begin(), out.end(), [](const item* a, const item* b) {
      return a->count != b->count ? a->count > b->count : a->key < b->key;
    });
    return out;
  }
  const std::vector<item>& items() const { return items_; }
  uint64_t total() const { return total_; }
  uint64_t missed() const { return missed_; }

 private:
  static constexpr uint32_t none = UINT32_MAX;
  static constexpr size_t first_slots = 16;

  size_t home(uint64_t key) const {
    return static_cast<size_t>((key * 0x9e3779b97f4a7c15ULL) >> 32) & (slots_.size() - 1);
  }
  size_t slot_of(uint64_t key) const {
    size_t s = home(key);
    while (slots_[s] != none && items_[slots_[s]].key != key)
      s = (s + 1) & (slots_.size() - 1);
    return s;
  }
  void index(size_t slots) {
    slots_.assign(slots, none);
    for (size_t i = 0; i < items_.size(); ++i)
      slots_[slot_of(items_[i].key)] = static_cast<uint32_t>(i);
  }

  template <class Make>
  item& held(uint64_t key, uint64_t n, const Make& make) {
    if (slots_.empty())
      index(first_slots);
    size_t s = slot_of(key);
    if (slots_[s] != none) {
      item& known = items_[slots_[s]];
      known.count += n;
      return known;
    }
    if (items_.size() == most_)
      lower();
    else if (items_.size() * 2 >= slots_.size())
      index(slots_.size() * 2);
    s = slot_of(key);
    slots_[s] = static_cast<uint32_t>(items_.size());
    items_.push_back({key, n, make()});
    return items_.back();
  }

  // Takes the median off every count; half of the keys or more are gone then.
  void lower() {
    std::vector<uint64_t> counts;
    for (const item& i : items_)
      counts.push_back(i.count);
    const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
    std::nth_element(counts.begin(), middle, counts.end());
    const uint64_t median = *middle;
    std::erase_if(items_, [&](const item& i) { return i.count <= median; });
    for (item& i : items_)
      i.count -= median;
    missed_ += median;
    index(slots_.size());
  }

  size_t most_;
  std::vector<item> items_;
  std::vector<uint32_t> slots_;  ///< positions in items_, by hash of the key; none: free
  uint64_t total_ = 0, missed_ = 0;
};

}  // namespace troupe
