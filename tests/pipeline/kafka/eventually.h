// Waits for what happens in other threads and processes, for as long as it may take.
#pragma once

#include <chrono>
#include <thread>

namespace troupe::kafka {

/// Asks until it holds; false after a minute. Tests that pass take no longer than it takes.
template <class F>
bool eventually(F&& holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace troupe::kafka
