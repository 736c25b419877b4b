// What one query may use: time, samples and memory, and the flag that cancels it. Owned by one
// query, used by the thread that runs it.
#pragma once

#include "storage/base/clock.h"
#include "storage/base/memory_budget.h"
#include "storage/base/result.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <utility>

namespace troupe::query {

class budget {
 public:
  budget(const troupe::clock& clock, int64_t timeout_ms, uint64_t max_samples, uint64_t max_bytes,
         const std::atomic<bool>* cancel, memory_budget* memory = nullptr);
  ~budget();
  budget(const budget&) = delete;
  budget& operator=(const budget&) = delete;

  /// canceled or timeout. Call it for every series, and every few thousand steps of a long loop.
  status check() const;

  /// resource_exhausted if the query's limit would be passed, unavailable if the process' would;
  /// then nothing is held.
  status hold(uint64_t samples, uint64_t bytes);
  void release(uint64_t samples, uint64_t bytes);
  /// Whether the query's limits, not counting the process', leave that much.
  bool fits(uint64_t samples, uint64_t bytes) const {
    return samples <= max_samples_ - samples_ && bytes <= max_bytes_ - bytes_;
  }

  /// Whether a grid of that many steps is affordable at all: every node needs a few columns.
  status check_steps(uint64_t steps) const;
  /// check(), but only once per some 100,000 units of work.
  status spend(uint64_t work) {
    work_ += work;
    if (work_ < work_between_checks)
      return {};
    work_ = 0;
    return check();
  }

  uint64_t peak_samples() const { return peak_samples_; }
  uint64_t peak_bytes() const { return peak_bytes_; }

 private:
  status charge(uint64_t bytes);

  const troupe::clock& clock_;
  int64_t deadline_ns_ = std::numeric_limits<int64_t>::max();
  uint64_t max_samples_;
  uint64_t max_bytes_;
  const std::atomic<bool>* cancel_;
  memory_budget* memory_;
  static constexpr uint64_t work_between_checks = 100'000;
  uint64_t work_ = 0;
  uint64_t samples_ = 0;
  uint64_t bytes_ = 0;
  /// Small queries are answered however little memory is left: this much is never charged.
  static constexpr uint64_t free_bytes = 1 << 20;
  uint64_t granted_ = free_bytes;  ///< by the process, and those
  uint64_t peak_samples_ = 0;
  uint64_t peak_bytes_ = 0;
};

/// Holds a part of a budget and gives it back when destroyed.
class held {
 public:
  held() = default;
  explicit held(budget& b) : budget_(&b) {}
  held(held&& o) noexcept { *this = std::move(o); }
  held& operator=(held&& o) noexcept {
    std::swap(budget_, o.budget_);
    std::swap(samples_, o.samples_);
    std::swap(bytes_, o.bytes_);
    return *this;
  }
  ~held() {
    if (budget_)
      budget_->release(samples_, bytes_);
  }
  status add(uint64_t samples, uint64_t bytes) {
    TROUPE_TRY(budget_->hold(samples, bytes));
    samples_ += samples;
    bytes_ += bytes;
    return {};
  }
  uint64_t samples() const { return samples_; }

 private:
  budget* budget_ = nullptr;
  uint64_t samples_ = 0;
  uint64_t bytes_ = 0;
};

}  // namespace troupe::query
