// At most N unanswered requests; the rest waits in the sender, in order and bounded by the sender's
// own rule. Lives in an actor's state, so no locks.
#pragma once

#include "storage/base/check.h"

#include <cstddef>
#include <deque>
#include <utility>

namespace troupe::actors {

template <class T>
class flow_window {
 public:
  explicit flow_window(size_t limit) : limit_(limit) { TROUPE_CHECK(limit > 0); }

  void push(T item) { queue_.push_back(std::move(item)); }
  /// Calls `send(item)` while the window has room. The sender calls acked() for each answer,
  /// timeout or error.
  template <class F>
  void pump(F send) {
    while (in_flight_ < limit_ && !queue_.empty()) {
      ++in_flight_;
      T item = std::move(queue_.front());
      queue_.pop_front();
      send(std::move(item));
    }
  }
  void acked() {
    TROUPE_CHECK(in_flight_ > 0);
    --in_flight_;
  }
  size_t in_flight() const { return in_flight_; }
  size_t queued() const { return queue_.size(); }
  bool idle() const { return in_flight_ == 0 && queue_.empty(); }

 private:
  size_t limit_;
  size_t in_flight_ = 0;
  std::deque<T> queue_;
};

}  // namespace troupe::actors
