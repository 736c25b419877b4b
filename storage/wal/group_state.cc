#include "storage/wal/group_state.h"

#include <bit>

namespace troupe::storage {
namespace {
constexpr size_t first_buckets = 16;
}  // namespace

uint32_t group_state::find_or_add(const labels& l, undo_journal& journal) {
  if ((series_.size() + 1) * 4 > table_.size() * 3)
    rehash(std::max(first_buckets, table_.size() * 2));
  size_t mask = table_.size() - 1;
  size_t at = l.hash() & mask;
  for (; table_[at] != 0; at = (at + 1) & mask)
    if (series_[table_[at] - 1] == l)
      return table_[at] - 1;
  journal.touch(*this);
  series_.push_back(l.packed());
  last_.push_back(0);
  sampled_.resize((series_.size() + 63) / 64);
  seen_.resize(sampled_.size());
  table_[at] = static_cast<uint32_t>(series_.size());
  return static_cast<uint32_t>(series_.size() - 1);
}

uint64_t group_state::exchange(uint32_t index, uint64_t bits, undo_journal& journal) {
  uint64_t old = last_[index];
  uint64_t& word = sampled_[index / 64];
  uint64_t bit = 1ULL << (index % 64);
  if (!(word & bit)) {
    journal.sampled_word(*this, index / 64, word);
    word |= bit;
  }
  if (old != bits) {
    journal.value(*this, index, old);
    last_[index] = bits;
  }
  return old ^ bits;
}

void group_state::take_key(std::vector<uint32_t>& indices, std::vector<uint64_t>& values,
                           undo_journal& journal) {
  indices.clear();
  values.clear();
  for (size_t w = 0; w < sampled_.size(); ++w) {
    uint64_t word = sampled_[w];
    if (word != 0)
      journal.sampled_word(*this, static_cast<uint32_t>(w), word);
    sampled_[w] = 0;
    size_t end = std::min(series_.size(), (w + 1) * 64);
    for (size_t i = w * 64; i < end; ++i) {
      if (word >> (i % 64) & 1) {
        indices.push_back(static_cast<uint32_t>(i));
        values.push_back(last_[i]);
      } else if (last_[i] != 0) {
        journal.value(*this, static_cast<uint32_t>(i), last_[i]);
        last_[i] = 0;
      }
    }
  }
}

uint32_t group_state::seen_count() const {
  uint32_t n = 0;
  for (uint64_t word : seen_)
    n += static_cast<uint32_t>(std::popcount(word));
  return n;
}

uint64_t group_state::memory_bytes() const {
  return sizeof(*this) + series_.capacity() * sizeof(labels) + last_.capacity() * sizeof(uint64_t) +
         (sampled_.capacity() + seen_.capacity()) * sizeof(uint64_t) +
         table_.capacity() * sizeof(uint32_t);
}

void group_state::shrink(size_t n) {
  if (n == series_.size())
    return;
  series_.resize(n);
  last_.resize(n);
  sampled_.resize((n + 63) / 64);
  seen_.resize(sampled_.size());
  if (n % 64 != 0) {
    uint64_t keep = (1ULL << (n % 64)) - 1;
    sampled_.back() &= keep;
    seen_.back() &= keep;
  }
  rehash(table_.size());
}

void group_state::rehash(size_t buckets) {
  table_.assign(buckets, 0);
  size_t mask = buckets - 1;
  for (uint32_t i = 0; i < series_.size(); ++i) {
    size_t at = series_[i].hash() & mask;
    while (table_[at] != 0)
      at = (at + 1) & mask;
    table_[at] = i + 1;
  }
}

void undo_journal::undo() {
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it) {
    group_state& g = *it->group;
    switch (it->what) {
      case kind::value:
        g.last_[it->index] = it->old;
        break;
      case kind::sampled:
        g.sampled_[it->index] = it->old;
        break;
      case kind::counters:
        g.count = saved_[it->old].first;
        g.shrink(saved_[it->old].second);
        break;
    }
  }
  clear();
}

void undo_journal::clear() {
  entries_.clear();
  saved_.clear();
  ++round_;
}

}  // namespace troupe::storage
