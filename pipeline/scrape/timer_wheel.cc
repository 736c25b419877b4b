#include "pipeline/scrape/timer_wheel.h"

#include "storage/base/check.h"

#include <algorithm>

namespace troupe::scrape {

timer_wheel::timer_wheel(int64_t now_ms, size_t slots)
    : heads_(slots, none), cursor_(now_ms / slot_ms) {}

void timer_wheel::insert(uint32_t id, int64_t due_ms) {
  if (id >= nodes_.size())
    nodes_.resize(std::max<size_t>(id + 1, nodes_.size() * 2));
  TROUPE_CHECK(nodes_[id].slot == none);
  nodes_[id].due_ms = due_ms;
  link(id);
  ++size_;
}

void timer_wheel::link(uint32_t id) {
  auto& n = nodes_[id];
  const int64_t number = std::max(n.due_ms / slot_ms, cursor_);
  n.slot = static_cast<uint32_t>(static_cast<uint64_t>(number) % heads_.size());
  n.previous = none;
  n.next = heads_[n.slot];
  if (n.next != none)
    nodes_[n.next].previous = id;
  heads_[n.slot] = id;
}

void timer_wheel::remove(uint32_t id) {
  if (!contains(id))
    return;
  auto& n = nodes_[id];
  if (n.previous != none)
    nodes_[n.previous].next = n.next;
  else
    heads_[n.slot] = n.next;
  if (n.next != none)
    nodes_[n.next].previous = n.previous;
  n.slot = none;
  --size_;
}

void timer_wheel::rehome(int64_t now_ms) {
  cursor_ = now_ms / slot_ms;
  std::fill(heads_.begin(), heads_.end(), none);
  for (uint32_t id = 0; id < nodes_.size(); ++id)
    if (nodes_[id].slot != none)
      link(id);
}

void timer_wheel::collect_slot(uint32_t slot, int64_t now_ms, std::vector<uint32_t>& out) {
  const size_t first = out.size();
  for (uint32_t id = heads_[slot]; id != none;) {
    const uint32_t next = nodes_[id].next;
    if (nodes_[id].due_ms <= now_ms) {
      remove(id);
      out.push_back(id);
    }
    id = next;
  }
  // The list is a stack; who came first goes first.
  std::reverse(out.begin() + static_cast<ptrdiff_t>(first), out.end());
}

void timer_wheel::collect(int64_t now_ms, std::vector<uint32_t>& out) {
  const int64_t now_slot = now_ms / slot_ms;
  if (now_slot < cursor_ || now_slot - cursor_ >= static_cast<int64_t>(heads_.size()))
    rehome(now_ms);
  for (; cursor_ < now_slot; ++cursor_)
    collect_slot(static_cast<uint32_t>(static_cast<uint64_t>(cursor_) % heads_.size()), now_ms,
                 out);
  collect_slot(static_cast<uint32_t>(static_cast<uint64_t>(cursor_) % heads_.size()), now_ms, out);
}

int64_t timer_wheel::until_due_ms(int64_t now_ms, int64_t longest_ms) const {
  const int64_t last_ms = now_ms + longest_ms;
  const int64_t turn_end = cursor_ + static_cast<int64_t>(heads_.size());
  for (int64_t number = cursor_; number * slot_ms <= last_ms && number < turn_end; ++number) {
    int64_t first = last_ms;
    const auto slot = static_cast<size_t>(static_cast<uint64_t>(number) % heads_.size());
    for (uint32_t id = heads_[slot]; id != none; id = nodes_[id].next)
      first = std::min(first, nodes_[id].due_ms);
    // Later slots hold later entries: entries of coming turns apart, which are not before this
    // slot's end.
    if (first < (number + 1) * slot_ms)
      return std::max<int64_t>(0, first - now_ms);
  }
  return longest_ms;
}

}  // namespace troupe::scrape
