#include "pipeline/http/deadline_wheel.h"

#include <algorithm>

namespace troupe::http {

deadline_wheel::deadline_wheel(int64_t tick_ns, size_t slots) : tick_ns_(tick_ns), heads_(slots) {
  for (entry& head : heads_)
    head.prev = head.next = &head;
}

void deadline_wheel::set(entry& e, int64_t due_ns) {
  if (e.set())
    remove(e);
  e.due_ns = due_ns;
  // A deadline in the past goes into the slot that is looked at next.
  int64_t tick = std::max(tick_of(due_ns), done_tick_ + 1);
  entry& head = heads_[static_cast<size_t>(tick) % heads_.size()];
  e.prev = head.prev;
  e.next = &head;
  head.prev->next = &e;
  head.prev = &e;
  ++size_;
}

void deadline_wheel::remove(entry& e) {
  if (!e.set())
    return;
  e.prev->next = e.next;
  e.next->prev = e.prev;
  e.prev = e.next = nullptr;
  --size_;
}

deadline_wheel::entry* deadline_wheel::expire(int64_t now_ns) {
  int64_t now_tick = tick_of(now_ns);
  // After a long pause every slot is looked at once, not once per missed tick.
  done_tick_ = std::max(done_tick_, now_tick - static_cast<int64_t>(heads_.size()) - 1);
  while (done_tick_ + 1 < now_tick) {
    entry& head = heads_[static_cast<size_t>(done_tick_ + 1) % heads_.size()];
    for (entry* e = head.next; e != &head; e = e->next) {
      if (e->due_ns <= now_ns) {
        remove(*e);
        return e;
      }
    }
    ++done_tick_;
  }
  return nullptr;
}

}  // namespace troupe::http
