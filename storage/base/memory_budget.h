// How much memory the process may hold (--storage.memory-limit), and how near it is to that. Held
// is what the system counts, measured at most ten times a second, and what was charged for things
// that grow faster. Thread-safe; one per process.
#pragma once

#include "storage/base/clock.h"

#include <atomic>
#include <cstdint>
#include <functional>

namespace troupe {

/// What has to be done without, by the part of the limit that is held. Each includes those before.
enum class memory_level : unsigned char {
  normal,
  give_back,  ///< from 80 %: samples go to blocks early, free memory goes back to the system
  no_growth,  ///< from 90 %: no new series
  full,       ///< from 110 %: no batch at all
};

class memory_budget {
 public:
  /// Bytes that only this process has and the kernel cannot take back (anonymous memory).
  using meter = std::function<uint64_t()>;

  /// Without a limit (0) nothing is measured and everything is granted.
  memory_budget(uint64_t limit, meter measure, const clock& clk);

  memory_level level();
  /// Counts `bytes` that are about to be allocated. False, and nothing counted, if less than a
  /// twentieth of the limit would be left.
  bool try_charge(uint64_t bytes);
  void release(uint64_t bytes) { charged_.fetch_sub(bytes, std::memory_order_relaxed); }

  uint64_t limit() const { return limit_; }
  /// As of the last measurement, and what was charged since.
  uint64_t used();
  /// Charges that were not granted.
  uint64_t refused() const { return refused_.load(std::memory_order_relaxed); }

 private:
  const uint64_t limit_;
  const meter measure_;
  const clock& clock_;
  std::atomic<int64_t> next_ns_{0};
  std::atomic<uint64_t> rest_{0};  ///< measured, less what was charged then
  std::atomic<uint64_t> charged_{0};
  std::atomic<uint64_t> refused_{0};
};

/// What one owner has charged of a budget; given back with it. One owner, as of a number.
class memory_charge {
 public:
  /// `of` outlives the charge; null: everything is granted.
  explicit memory_charge(memory_budget* of) : of_(of) {}
  ~memory_charge() { (void)set(0); }
  memory_charge(const memory_charge&) = delete;
  memory_charge& operator=(const memory_charge&) = delete;

  /// Makes it `bytes` in all. False, and nothing changed, if that is more than is granted.
  bool set(uint64_t bytes);

 private:
  memory_budget* const of_;
  uint64_t bytes_ = 0;
};

/// Anonymous memory of this process in bytes; 0 where /proc is missing.
uint64_t anonymous_memory();
/// What the process may use at all: the smallest limit of its control groups (v2, or v1), else the
/// machine's memory.
uint64_t available_memory();

}  // namespace troupe
