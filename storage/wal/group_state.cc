#include "storage/wal/group_state.h"

#include <algorithm>
#include <bit>

namespace troupe::storage {
namespace {
/// After so many sections without a new series the look-up by labels is given up.
constexpr uint8_t max_idle_sections = 16;
/// So much memory for undoing is kept from commit to commit.
constexpr size_t kept_entries = 4u << 10;
constexpr size_t kept_values = 32u << 10;
}  // namespace

std::vector<labels> group_state::undescribed() const {
  std::vector<labels> out;
  for (uint32_t i = count.described; i < size(); ++i)
    out.push_back(series(i));
  return out;
}

uint32_t group_state::find_or_add(const series_table_ptr& table, uint32_t position,
                                  undo_journal& journal) {
  idle_sections_ = 0;
  const auto hash = [this](uint32_t ref) { return hash_of(ref - 1); };
  if (by_labels_.empty()) {
    by_labels_.reserve(size(), hash);
    for (uint32_t i = 0; i < size(); ++i)
      by_labels_.insert(i + 1, hash_of(i), hash);
  }
  const labels& l = table->series[position];
  const auto wanted = static_cast<uint32_t>(l.hash() >> 32);
  const uint32_t known =
      by_labels_.find(wanted, [&](uint32_t ref) { return series(ref - 1) == l; });
  if (known != ref_table::none)
    return known - 1;
  journal.touch(*this);
  // A table that goes on where the group ends holds the labels.
  if (size() == 0 || (own_.empty() && base_ == table && position == base_offset_ + base_size_)) {
    if (size() == 0) {
      base_ = table;
      base_offset_ = position;
    }
    ++base_size_;
  } else {
    own_.push_back(l.packed());
  }
  last_.push_back(0);
  sampled_.resize((size() + 63) / 64);
  seen_.resize(sampled_.size());
  by_labels_.insert(size(), wanted, hash);
  return size() - 1;
}

void group_state::reserve(size_t n) {
  if (n <= last_.capacity())
    return;
  last_.reserve(n);
}

void group_state::follow(const series_table_ptr& from, const series_table_ptr& to, uint32_t kept) {
  if (base_ == from && base_offset_ + base_size_ <= kept)
    base_ = to;
}

void group_state::end_section() {
  if (by_labels_.empty() || ++idle_sections_ < max_idle_sections)
    return;
  by_labels_.clear();
  own_.shrink_to_fit();
  last_.shrink_to_fit();
  sampled_.shrink_to_fit();
  seen_.shrink_to_fit();
}

void group_state::exchange(std::span<const uint32_t> index, std::span<const uint8_t> stale,
                           std::span<uint64_t> bits, undo_journal& journal) {
  const auto [undo_index, undo_value] = journal.values(*this, index.size());
  for (size_t k = 0; k < index.size(); ++k) {
    const uint32_t i = index[k];
    undo_index[k] = i;
    undo_value[k] = last_[i];
    if (stale[k]) {
      bits[k] = 0;
      mark_seen(i);
      continue;
    }
    uint64_t& word = sampled_[i / 64];
    const uint64_t bit = 1ULL << (i % 64);
    if (!(word & bit)) {
      journal.sampled_word(*this, i / 64, word);
      word |= bit;
      // Whenever all are forgotten a key frame comes next.
      mark_seen(i);
    }
    const uint64_t now = bits[k];
    bits[k] = now ^ last_[i];
    last_[i] = now;
  }
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
    size_t end = std::min<size_t>(size(), (w + 1) * 64);
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
  return sizeof(*this) + own_.capacity() * sizeof(labels) + last_.capacity() * sizeof(uint64_t) +
         (sampled_.capacity() + seen_.capacity()) * sizeof(uint64_t) + by_labels_.memory_bytes();
}

void group_state::shrink(size_t n) {
  if (n == size())
    return;
  base_size_ = std::min(base_size_, static_cast<uint32_t>(n));
  own_.resize(n - base_size_);
  last_.resize(n);
  sampled_.resize((n + 63) / 64);
  seen_.resize(sampled_.size());
  if (n % 64 != 0) {
    uint64_t keep = (1ULL << (n % 64)) - 1;
    sampled_.back() &= keep;
    seen_.back() &= keep;
  }
  by_labels_.clear();
}

void undo_journal::undo() {
  for (auto it = entries_.rbegin(); it != entries_.rend(); ++it) {
    group_state& g = *it->group;
    switch (it->what) {
      case kind::value:
        g.last_[it->index] = it->old;
        break;
      case kind::values:
        // A repeated index has its first value first.
        for (size_t k = it->index; k-- > 0;)
          g.last_[indices_[it->old + k]] = values_[it->old + k];
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
  if (entries_.capacity() > kept_entries)
    entries_ = std::vector<entry>();
  if (indices_.capacity() > kept_values) {
    indices_ = std::vector<uint32_t>();
    values_ = std::vector<uint64_t>();
  }
  entries_.clear();
  saved_.clear();
  indices_.clear();
  values_.clear();
  ++round_;
}

}  // namespace troupe::storage
