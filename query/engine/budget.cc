#include "query/engine/budget.h"

#include <string>

namespace troupe::query {

budget::budget(const troupe::clock& clock, int64_t timeout_ms, uint64_t max_samples,
               uint64_t max_bytes, const std::atomic<bool>* cancel, memory_budget* memory)
    : clock_(clock),
      max_samples_(max_samples),
      max_bytes_(max_bytes),
      cancel_(cancel),
      memory_(memory) {
  if (timeout_ms > 0)
    deadline_ns_ = clock.monotonic_ns() + timeout_ms * 1'000'000;
}

budget::~budget() {
  if (memory_)
    memory_->release(granted_ - free_bytes);
}

status budget::check() const {
  if (cancel_ && cancel_->load(std::memory_order_relaxed))
    return {errc::canceled, "query was canceled in expression evaluation"};
  if (clock_.monotonic_ns() >= deadline_ns_)
    return {errc::timeout, "query timed out in expression evaluation"};
  return {};
}

status budget::hold(uint64_t samples, uint64_t bytes) {
  if (samples > max_samples_ - samples_)
    return {errc::resource_exhausted,
            "query processing would load too many samples into memory in query execution"};
  if (bytes > max_bytes_ - bytes_)
    return {errc::resource_exhausted, "query processing would use more than the limit of " +
                                          std::to_string(max_bytes_) +
                                          " bytes of memory in query execution"};
  if (memory_ && bytes_ + bytes > granted_)
    TROUPE_TRY(charge(bytes_ + bytes));
  samples_ += samples;
  bytes_ += bytes;
  peak_samples_ = std::max(peak_samples_, samples_);
  peak_bytes_ = std::max(peak_bytes_, bytes_);
  return {};
}

// In large parts: a query holds a few hundred times. What it gives up it keeps for its next part.
status budget::charge(uint64_t bytes) {
  constexpr uint64_t part = 1 << 20;
  const uint64_t more = (bytes - granted_ + part - 1) / part * part;
  if (!memory_->try_charge(more))
    return {errc::unavailable, "query needs more memory than --storage.memory-limit (" +
                                   std::to_string(memory_->limit()) + " bytes) has left"};
  granted_ += more;
  return {};
}

status budget::check_steps(uint64_t steps) const {
  constexpr uint64_t bytes_per_step = 4 * sizeof(double);
  if (steps > std::numeric_limits<uint32_t>::max() / 2 || steps > max_bytes_ / bytes_per_step)
    return {errc::resource_exhausted, "query has too many steps for the limit of " +
                                          std::to_string(max_bytes_) +
                                          " bytes of memory in query execution"};
  return {};
}

void budget::release(uint64_t samples, uint64_t bytes) {
  samples_ -= samples;
  bytes_ -= bytes;
}

}  // namespace troupe::query
