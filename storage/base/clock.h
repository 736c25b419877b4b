// Clocks, always passed in, never global. Wall time only for stamps; intervals and deadlines use
// the monotonic clock.
#pragma once

#include <atomic>
#include <cstdint>

namespace troupe {

/// Thread-safe.
class clock {
 public:
  virtual ~clock() = default;
  /// Unix time in milliseconds; may step back.
  virtual int64_t now_ms() const = 0;
  /// Nanoseconds since some fixed point; never goes back.
  virtual int64_t monotonic_ns() const = 0;
};

/// The machine's clocks.
class system_clock final : public clock {
 public:
  int64_t now_ms() const override;
  int64_t monotonic_ns() const override;
};

/// A clock that moves only when told. For tests and simulation.
class manual_clock final : public clock {
 public:
  explicit manual_clock(int64_t start_ms = 1'700'000'000'000) : wall_ms_(start_ms) {}
  int64_t now_ms() const override { return wall_ms_.load(std::memory_order_relaxed); }
  int64_t monotonic_ns() const override { return mono_ns_.load(std::memory_order_relaxed); }
  void advance_ms(int64_t ms) {
    wall_ms_ += ms;
    mono_ns_ += ms * 1'000'000;
  }
  /// Steps only the wall clock, as an NTP correction would.
  void step_wall_ms(int64_t ms) { wall_ms_ += ms; }

 private:
  std::atomic<int64_t> wall_ms_;
  std::atomic<int64_t> mono_ns_{1'000'000'000};
};

}  // namespace troupe
