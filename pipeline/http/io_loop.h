// One thread with one event loop. post() may be called from anywhere; all else, and every callback,
// belongs to the loop's thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace troupe::http {

/// Blocks of one size, kept when they are given back. Used on the loop's thread only.
class block_pool {
 public:
  block_pool() = default;
  ~block_pool();
  block_pool(const block_pool&) = delete;
  block_pool& operator=(const block_pool&) = delete;
  /// At least `size` bytes, aligned for any type.
  void* take(size_t size);
  void give(void* block, size_t size);

 private:
  std::vector<void*> free_;
};

class io_loop {
 public:
  io_loop();
  ~io_loop();
  io_loop(const io_loop&) = delete;
  io_loop& operator=(const io_loop&) = delete;

  /// Spawns the thread, named for tools like top (at most 15 characters).
  void start(const std::string& name);
  /// Ends the loop after the callback at hand and joins. What was posted but not run is dropped.
  void stop();
  /// Runs `f` on the loop's thread after what is ready now.
  void post(std::function<void()> f);
  /// Calls `tick` every `period_ms` as long as it returns true; arm_ticks() starts it again.
  void set_ticks(int64_t period_ms, std::function<bool()> tick);
  void arm_ticks();

  boost::asio::io_context& context();
  /// Memory for the operations that wait on this loop.
  block_pool& blocks();

 private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace troupe::http
