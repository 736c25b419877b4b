#include "pipeline/http/byte_budget.h"

#include <string>

namespace troupe::http {

byte_budget::byte_budget(uint64_t limit) : limit_(limit) {}

bool byte_budget::try_acquire(uint64_t n) {
  uint64_t used = used_.load(std::memory_order_relaxed);
  do {
    if (n > limit_ - used) {
      refused_.fetch_add(1, std::memory_order_relaxed);
      return false;
    }
  } while (!used_.compare_exchange_weak(used, used + n, std::memory_order_relaxed));
  uint64_t seen = peak_.load(std::memory_order_relaxed);
  while (seen < used + n &&
         !peak_.compare_exchange_weak(seen, used + n, std::memory_order_relaxed)) {
  }
  return true;
}

void byte_budget::release(uint64_t n) {
  used_.fetch_sub(n, std::memory_order_relaxed);
}

byte_lease& byte_lease::operator=(byte_lease&& other) noexcept {
  if (this != &other) {
    shrink(0);
    budget_ = std::move(other.budget_);
    held_ = std::exchange(other.held_, 0);
  }
  return *this;
}

status byte_lease::grow(uint64_t total) {
  if (total <= held_)
    return ok_status();
  if (budget_ && !budget_->try_acquire(total - held_))
    return {errc::resource_exhausted, "budget of " + std::to_string(budget_->limit()) +
                                          " bytes for bodies in flight is used up"};
  held_ = total;
  return ok_status();
}

void byte_lease::shrink(uint64_t total) {
  if (total >= held_)
    return;
  if (budget_)
    budget_->release(held_ - total);
  held_ = total;
}

}  // namespace troupe::http
