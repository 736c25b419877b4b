#include "storage/base/random.h"

#include "storage/base/check.h"

#include <sys/random.h>

namespace troupe {

uint64_t entropy_seed() {
  uint64_t seed = 0;
  // Up to 256 bytes are never interrupted or cut short (getrandom(2)).
  TROUPE_CHECK(getrandom(&seed, sizeof seed, 0) == static_cast<ssize_t>(sizeof seed));
  return seed;
}

}  // namespace troupe
