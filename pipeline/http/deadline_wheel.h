// Deadlines of many connections at the price of one coarse timer: setting and clearing one is a few
// pointer moves. Used on one thread only; entries are owned by whoever waits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace troupe::http {

class deadline_wheel {
 public:
  /// A place in the wheel. Must be removed, or expired, before it is destroyed.
  struct entry {
    entry* prev = nullptr;
    entry* next = nullptr;
    int64_t due_ns = 0;
    void* owner = nullptr;
    bool set() const { return prev != nullptr; }
  };

  explicit deadline_wheel(int64_t tick_ns, size_t slots = 512);
  deadline_wheel(const deadline_wheel&) = delete;
  deadline_wheel& operator=(const deadline_wheel&) = delete;

  /// (Re)sets the deadline; it expires up to one tick late, never early.
  void set(entry& e, int64_t due_ns);
  void remove(entry& e);
  /// Removes one entry that is due at `now_ns` and returns it; null when there is none left. The
  /// caller repeats, and may set and remove entries in between.
  entry* expire(int64_t now_ns);
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

 private:
  int64_t tick_of(int64_t ns) const { return ns / tick_ns_; }
  int64_t tick_ns_;
  int64_t done_tick_ = -1;  ///< all slots up to here have been looked through
  size_t size_ = 0;
  std::vector<entry> heads_;
};

}  // namespace troupe::http
