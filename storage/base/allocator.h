// How the process's allocator is set, and when it gives back what it has free: requests come and go
// in megabytes beside series that stay, and what is free between them is resident all the same.
#pragma once

#include <cstdint>

namespace troupe {

/// Few arenas, and large blocks that go back to the system at once. Before the process has threads:
/// those that have an arena keep it.
void tune_allocator();
/// Lets the allocator give free pages back to the system. Takes milliseconds per gigabyte.
void trim_memory();

/// Says when to call trim_memory(). One owner.
class trim_rule {
 public:
  /// To be asked a few times a second, with the resident bytes that only this process has.
  bool due(int64_t now_ns, uint64_t resident, bool is_short) const;
  /// It was done, and left so much.
  void done(int64_t now_ns, uint64_t resident);

 private:
  int64_t last_ns_ = 0;
  uint64_t left_ = 0;
};

}  // namespace troupe
