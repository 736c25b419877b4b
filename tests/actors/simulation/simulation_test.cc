// Thousands of whole nodes, each from one seed. TROUPE_SIM_SEEDS=first:count runs others; a failing
// seed is a test.
#include "storage/base/log.h"
#include "tests/actors/simulation/traffic.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

namespace troupe::simulation {
namespace {

struct range {
  uint64_t first, count;
};

range seeds(uint64_t first, uint64_t count) {
  if (const char* text = std::getenv("TROUPE_SIM_SEEDS")) {
    unsigned long long f = 0, n = 0;
    if (std::sscanf(text, "%llu:%llu", &f, &n) == 2)
      return {f, n};
  }
  return {first, count};
}

void run_seeds(range r) {
  configure_log(log_level::off, log_format::logfmt);
  uint64_t batches = 0, queries = 0, faults = 0, restarts = 0, least_batches = UINT64_MAX,
           least_queries = UINT64_MAX, least_faults = UINT64_MAX, regions = 0, published = 0,
           consumed = 0;
  for (uint64_t seed = r.first; seed < r.first + r.count; ++seed) {
    scenario s;
    s.seed = seed;
    s.wal_damage = seed % 8 == 7;
    s.region = seed % 3 == 1;
    run_result got = play(s);
    ASSERT_EQ(got.error, "") << "seed " << seed;
    batches += got.batches;
    queries += got.queries_checked;
    faults += got.faults;
    restarts += got.restarts;
    regions += s.region ? 1 : 0;
    published += got.published;
    consumed += got.consumed;
    least_batches = std::min(least_batches, got.batches);
    least_queries = std::min(least_queries, got.queries_checked);
    least_faults = std::min(least_faults, got.faults);
    if (seed % 500 == 0) {  // determinism: the same seed, the same history
      run_result again = play(s);
      ASSERT_EQ(got.digest, again.digest) << "seed " << seed << " is not repeatable";
    }
  }
  std::printf(
      "%llu seeds: %llu batches (least %llu), %llu checked queries (least %llu), %llu faults "
      "(least %llu), "
      "%llu restarts\n",
      (unsigned long long)r.count, (unsigned long long)batches, (unsigned long long)least_batches,
      (unsigned long long)queries, (unsigned long long)least_queries, (unsigned long long)faults,
      (unsigned long long)least_faults, (unsigned long long)restarts);
  std::printf("%llu of them with a region: %llu samples published, %llu consumed\n",
              (unsigned long long)regions, (unsigned long long)published,
              (unsigned long long)consumed);
  EXPECT_GE(least_batches, 1000u);
  EXPECT_GE(least_queries, 20u);
  EXPECT_GE(least_faults, 2u);
  EXPECT_GE(published, 3000 * regions);
  EXPECT_GE(consumed, 100 * regions);
}

// Two halves, so that two cores share the work.
TEST(Simulation, FirstHalf) {
  run_seeds(seeds(1, 10'000));
}
TEST(Simulation, SecondHalf) {
  run_seeds(seeds(10'001, 10'000));
}

}  // namespace
}  // namespace troupe::simulation
