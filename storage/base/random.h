// Randomness, always passed in. A seeded source makes a whole node repeatable.
#pragma once

#include <cstdint>

namespace troupe {

/// Not thread-safe; one per owner.
class random_source {
 public:
  virtual ~random_source() = default;
  virtual uint64_t next() = 0;
  /// Uniform in [0, n); n > 0.
  uint64_t below(uint64_t n) {
    return static_cast<uint64_t>((static_cast<unsigned __int128>(next()) * n) >> 64);
  }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
};

/// splitmix64 (Steele, Lea, Flood 2014): the same seed gives the same numbers for ever.
class seeded_random final : public random_source {
 public:
  explicit seeded_random(uint64_t seed) : state_(seed) {}
  uint64_t next() override {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }

 private:
  uint64_t state_;
};

/// A seed from the kernel (getrandom).
uint64_t entropy_seed();

}  // namespace troupe
