// Random numbers of the generators: cheap, repeatable on every machine (integers and exact sums
// only).
#pragma once

#include "storage/base/random.h"

#include <cmath>
#include <cstdint>

namespace troupe::bench {

/// The seed of one host's numbers.
inline uint64_t host_seed(uint64_t seed, uint64_t host) {
  return seeded_random(seed ^ (host + 1) * 0xd1342543de82ef95ULL).next();
}

/// About normal with mean 0 and deviation 1: the sum of four uniform numbers, so within ±3.5.
inline double normal(seeded_random& from) {
  const uint64_t r = from.next();
  const auto sum =
      static_cast<int64_t>((r & 0xffff) + (r >> 16 & 0xffff) + (r >> 32 & 0xffff) + (r >> 48));
  return static_cast<double>(sum - 2 * 65'535) * (1.0 / 37'837);
}

/// `mean` events with the spread of a Poisson process, at least 0.
inline int64_t events(seeded_random& from, int64_t mean) {
  const auto m = static_cast<double>(mean);
  const auto n = mean + std::llround(normal(from) * std::sqrt(m));
  return n > 0 ? n : 0;
}

}  // namespace troupe::bench
