// Hashes a sequence of texts by the hashes of the texts: remote write 2.0 numbers the texts of each
// request anew, and a series must be the same in all of them. The sums below are of independent
// products, so that they cost a multiplication each and no waiting. Immutable; any thread.
#pragma once

#include "storage/base/hash.h"
#include "storage/base/random.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace troupe::remote {

class sequence_hash {
 public:
  explicit sequence_hash(uint64_t secret) {
    seeded_random random(secret);
    for (hash128& f : factors_)
      f = {random.next() | 1, random.next() | 1};
  }

  /// Takes one text after the other.
  class state {
   public:
    explicit state(const sequence_hash& with) : factors_(&with.factors_) {}
    void add(const hash128& text) {
      if (count_ % block == 0 && count_ != 0)
        sum_ = mixed();
      const hash128& f = (*factors_)[count_++ % block];
      sum_.low += text.low * f.low;
      sum_.high += text.high * f.high;
    }
    /// Puts another text in the place of the one that was taken as number `place`. Of at most 64.
    void replace(size_t place, const hash128& was, const hash128& now) {
      const hash128& f = (*factors_)[place];
      sum_.low += (now.low - was.low) * f.low;
      sum_.high += (now.high - was.high) * f.high;
    }
    size_t count() const { return count_; }
    hash128 result() const { return mixed(); }

   private:
    /// MurmurHash3's finalizer (Appleby), a bijection.
    static uint64_t mix(uint64_t h) {
      h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdULL;
      h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53ULL;
      return h ^ (h >> 33);
    }
    hash128 mixed() const { return {mix(sum_.low + count_), mix(sum_.high ^ count_)}; }

    const std::array<hash128, 64>* factors_;
    hash128 sum_;
    size_t count_ = 0;
  };

 private:
  static constexpr size_t block = 64;
  std::array<hash128, block> factors_;
};

}  // namespace troupe::remote
