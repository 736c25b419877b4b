// The bytes that bodies in flight may occupy at one time, over all connections. Whoever is about to
// grow a body charges it first. Thread-safe; leases give back what they hold when they go.
#pragma once

#include "storage/base/result.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace troupe::http {

class byte_budget {
 public:
  /// The first one also tells the allocator to return large freed blocks to the system.
  explicit byte_budget(uint64_t limit);

  /// False, and nothing taken, if `n` more bytes would pass the limit.
  bool try_acquire(uint64_t n);
  void release(uint64_t n);
  uint64_t limit() const { return limit_; }
  uint64_t used() const { return used_.load(std::memory_order_relaxed); }
  /// The most that was ever in use.
  uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }
  /// How often a charge was refused.
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  const uint64_t limit_;
  std::atomic<uint64_t> used_{0};
  std::atomic<uint64_t> peak_{0};
  std::atomic<uint64_t> refused_{0};
};

/// A growing claim on a budget, released at destruction. One owner at a time.
class byte_lease {
 public:
  byte_lease() = default;
  explicit byte_lease(std::shared_ptr<byte_budget> budget) : budget_(std::move(budget)) {}
  byte_lease(byte_lease&& other) noexcept
      : budget_(std::move(other.budget_)), held_(std::exchange(other.held_, 0)) {}
  byte_lease& operator=(byte_lease&& other) noexcept;
  ~byte_lease() { shrink(0); }

  /// Holds at least `total` bytes afterwards; resource_exhausted naming the budget if it is full.
  /// Without a budget everything is granted.
  status grow(uint64_t total);
  /// Gives back all above `total`.
  void shrink(uint64_t total);
  uint64_t held() const { return held_; }

 private:
  std::shared_ptr<byte_budget> budget_;
  uint64_t held_ = 0;
};

}  // namespace troupe::http
