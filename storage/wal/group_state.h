// What the encoder knows of one group number: its series, the last value of each, and which were
// sampled since the last key frame. Changes are journaled until the commit, so that a failed write
// can be undone. One owner.
#pragma once

#include "storage/base/ref_table.h"
#include "storage/model/batch.h"
#include "storage/model/labels.h"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace troupe::storage {

class undo_journal;

class group_state {
 public:
  group_state(uint64_t number, uint64_t group, uint16_t slot)
      : number_(number), group_(group), slot_(slot) {}

  uint64_t number() const { return number_; }
  uint64_t group() const { return group_; }
  uint16_t slot() const { return slot_; }
  uint32_t size() const { return static_cast<uint32_t>(last_.size()); }
  const labels& series(uint32_t index) const {
    return index < base_size_ ? base_->series[base_offset_ + index] : own_[index - base_size_];
  }
  /// Those whose labels have not been written.
  std::vector<labels> undescribed() const;

  /// The index of the series at `position` of `table`; new ones get the next.
  uint32_t find_or_add(const series_table_ptr& table, uint32_t position, undo_journal& journal);
  /// Room for so many series and no more.
  void reserve(size_t n);
  /// The first `kept` series of both tables are the same: a group that leans on the old one may let
  /// go of it.
  void follow(const series_table_ptr& from, const series_table_ptr& to, uint32_t kept);
  /// A section has been written: what is only good for new series goes when there were none for a
  /// while.
  void end_section();
  /// Samples of one section: turns the bits of each value into their XOR with the last value of its
  /// index, which they become; of stale markers into 0. Marks all as seen.
  void exchange(std::span<const uint32_t> index, std::span<const uint8_t> stale,
                std::span<uint64_t> bits, undo_journal& journal);
  /// Marks a sample of another kind, so that idle series can be told from live ones.
  void mark_seen(uint32_t index) { seen_[index / 64] |= 1ULL << (index % 64); }
  /// The state of all series sampled since the last call, ascending; afterwards all of them are
  /// "not sampled" and every other one restarts at 0.
  void take_key(std::vector<uint32_t>& indices, std::vector<uint64_t>& values,
                undo_journal& journal);
  uint32_t seen_count() const;
  void clear_seen() { std::fill(seen_.begin(), seen_.end(), 0); }
  uint64_t memory_bytes() const;

  // Counters of its sections; saved by undo_journal::touch.
  struct counters {
    uint64_t sections = 0;      // so far
    uint32_t since_key = 0;     // sections since the last key frame, that one included
    uint32_t segment = 0;       // of the last section
    uint32_t described = 0;     // series whose labels have been written
    uint32_t full_segment = 0;  // full segments of the log before its last section
    bool in_stream = false;     // the first section has been written
  };
  counters count;
  uint32_t generation = 0;

 private:
  friend class undo_journal;
  void shrink(size_t n);
  uint32_t hash_of(uint32_t index) const {
    return static_cast<uint32_t>(series(index).hash() >> 32);
  }

  uint64_t touched_round_ = 0;
  uint64_t number_;
  uint64_t group_;
  uint16_t slot_;
  series_table_ptr base_;  // holds the labels of the first base_size_ series, from base_offset_ on
  uint32_t base_offset_ = 0;
  uint32_t base_size_ = 0;
  uint8_t idle_sections_ = 0;  // without a look-up
  std::vector<labels> own_;    // of the rest
  std::vector<uint64_t> last_;
  std::vector<uint64_t> sampled_;  // bits
  std::vector<uint64_t> seen_;     // bits
  ref_table by_labels_;            // index + 1; empty until it is needed
};

/// Everything since the last commit, undone newest first.
class undo_journal {
 public:
  /// Before a group's counters or series change.
  void touch(group_state& g) {
    if (g.touched_round_ == round_)
      return;
    g.touched_round_ = round_;
    entries_.push_back({&g, saved_.size(), 0, kind::counters});
    saved_.emplace_back(g.count, g.size());
  }
  void value(group_state& g, uint32_t index, uint64_t old) {
    entries_.push_back({&g, old, index, kind::value});
  }
  /// Room for `n` indices and their last values, to be filled by the caller.
  std::pair<uint32_t*, uint64_t*> values(group_state& g, size_t n) {
    const size_t first = indices_.size();
    entries_.push_back({&g, first, static_cast<uint32_t>(n), kind::values});
    indices_.resize(first + n);
    values_.resize(first + n);
    return {indices_.data() + first, values_.data() + first};
  }
  void sampled_word(group_state& g, uint32_t word, uint64_t old) {
    entries_.push_back({&g, old, word, kind::sampled});
  }
  void undo();
  void clear();

 private:
  enum class kind : uint8_t { counters, value, values, sampled };
  struct entry {
    group_state* group;
    uint64_t old;
    uint32_t index;
    kind what;
  };
  std::vector<entry> entries_;
  std::vector<std::pair<group_state::counters, size_t>> saved_;
  std::vector<uint32_t> indices_;
  std::vector<uint64_t> values_;  // of indices_
  uint64_t round_ = 1;
};

}  // namespace troupe::storage
