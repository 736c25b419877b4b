// The greatest common divisor of many differences modulo 2^64, and exact division by one. One
// owner.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <numeric>

namespace troupe::storage {

/// Divides signed multiples of `divisor` (not 0).
class exact_division {
 public:
  explicit exact_division(uint64_t divisor)
      : twos_(static_cast<unsigned>(std::countr_zero(divisor))),
        inverse_(inverse(divisor >> twos_)) {}

  uint64_t operator()(uint64_t multiple) const {
    return static_cast<uint64_t>(static_cast<int64_t>(multiple) >> twos_) * inverse_;
  }
  /// Of an odd number, modulo 2^64.
  static uint64_t inverse(uint64_t odd) {
    uint64_t x = odd;  // right in three bits, then in twice as many each time
    for (int i = 0; i < 5; ++i)
      x *= 2 - odd * x;
    return x;
  }

 private:
  unsigned twos_;
  uint64_t inverse_;
};

class common_divisor {
 public:
  /// A signed difference.
  void take(uint64_t difference) {
    const uint64_t d = static_cast<int64_t>(difference) < 0 ? 0 - difference : difference;
    any_ |= d;
    // A multiple times the inverse is the quotient: not above `most_`.
    if (d == 0 || odd_ == 1 || (odd_ != 0 && d * inverse_ <= most_))
      return;
    odd_ = std::gcd(odd_, d >> std::countr_zero(d));
    inverse_ = exact_division::inverse(odd_);
    most_ = ~0ULL / odd_;
  }
  /// Nothing that is taken changes it any more.
  bool is_one() const { return odd_ == 1 && (any_ & 1) != 0; }
  /// 0 if all were 0.
  uint64_t value() const { return any_ == 0 ? 0 : odd_ << std::countr_zero(any_); }

 private:
  uint64_t any_ = 0;  // bits set in some difference
  uint64_t odd_ = 0, inverse_ = 0, most_ = 0;
};

}  // namespace troupe::storage
