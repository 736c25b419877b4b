// A wheel of 10 ms slots for many entries with one due time each: constant cost per insert, removal
// and due entry, no kernel timers. Entries are small integers chosen by the caller. One owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::scrape {

class timer_wheel {
 public:
  static constexpr int64_t slot_ms = 10;

  explicit timer_wheel(int64_t now_ms, size_t slots = 8192);

  /// `id` must not be in the wheel. A due time in the past comes with the next collect().
  void insert(uint32_t id, int64_t due_ms);
  /// No effect if `id` is not in the wheel.
  void remove(uint32_t id);
  bool contains(uint32_t id) const { return id < nodes_.size() && nodes_[id].slot != none; }
  int64_t due_of(uint32_t id) const { return nodes_[id].due_ms; }
  /// Takes out all entries due at `now_ms` or before and appends them to `out`, slot by slot. After
  /// a step of the clock (back, or forward by more than a turn) every entry is looked at once.
  void collect(int64_t now_ms, std::vector<uint32_t>& out);
  /// Milliseconds until the next entry is due, 0 if one is; `longest` if none is before that.
  int64_t until_due_ms(int64_t now_ms, int64_t longest_ms) const;
  size_t size() const { return size_; }

 private:
  static constexpr uint32_t none = 0xffffffff;
  struct node {
    int64_t due_ms = 0;
    uint32_t next = none;
    uint32_t previous = none;
    uint32_t slot = none;  ///< none: not in the wheel
  };
  void link(uint32_t id);
  void rehome(int64_t now_ms);
  void collect_slot(uint32_t slot, int64_t now_ms, std::vector<uint32_t>& out);

  std::vector<uint32_t> heads_;
  std::vector<node> nodes_;
  int64_t cursor_;  ///< slot number (time / slot_ms) that was visited last
  size_t size_ = 0;
};

}  // namespace troupe::scrape
