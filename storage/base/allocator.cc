#include "storage/base/allocator.h"

#include <malloc.h>

#include <algorithm>

namespace troupe {
namespace {

/// An arena for every thread would leave free memory in each of a few dozen; the threads that
/// allocate much at the same time are fewer.
constexpr int max_arenas = 2;
constexpr int large_block_bytes = 1 << 20;
/// So much at the end of an arena is kept without being asked to trim.
constexpr int kept_bytes = 8 << 20;

constexpr int64_t grown_ns = 2'000'000'000;  ///< since the last time, if there is more to be had
constexpr int64_t short_ns = 5'000'000'000;
constexpr int64_t otherwise_ns = 60'000'000'000;
/// What growth is worth a look: most of it may be in use.
constexpr uint64_t min_growth = 1 << 20;
constexpr uint64_t growth_part = 32;

}  // namespace

void tune_allocator() {
  mallopt(M_ARENA_MAX, max_arenas);
  // Unset, glibc would learn to keep freed blocks of up to 32 MiB in every arena; what a budget has
  // given back would still be resident.
  mallopt(M_MMAP_THRESHOLD, large_block_bytes);
  mallopt(M_TRIM_THRESHOLD, kept_bytes);
}

void trim_memory() {
  malloc_trim(0);
}

bool trim_rule::due(int64_t now_ns, uint64_t resident, bool is_short) const {
  const int64_t since = now_ns - last_ns_;
  if (since >= (is_short ? short_ns : otherwise_ns))
    return true;
  return since >= grown_ns && resident >= left_ + std::max(min_growth, left_ / growth_part);
}

void trim_rule::done(int64_t now_ns, uint64_t resident) {
  last_ns_ = now_ns;
  left_ = resident;
}

}  // namespace troupe
