// A one-byte lock for critical sections of at most a few microseconds (one series' samples). Any
// thread; never held over a call that may block (storage/docs/locking.md).
#pragma once

#include <sched.h>

#include <atomic>

namespace troupe::storage {

class spin_lock {
 public:
  void lock() {
    while (flag_.test_and_set(std::memory_order_acquire)) {
      for (int i = 0; i < 64 && flag_.test(std::memory_order_relaxed); ++i) {
      }
      if (flag_.test(std::memory_order_relaxed))
        sched_yield();
    }
  }
  void unlock() { flag_.clear(std::memory_order_release); }

 private:
  std::atomic_flag flag_;
};

}  // namespace troupe::storage
