// A known sample costs no allocation: the number per scrape does not grow with the number of lines.
#include "tests/pipeline/scrape/exporter_body.h"
#include "tests/pipeline/scrape/fixture.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {
std::atomic<size_t> allocations{0};
}

[[gnu::noinline]] void* operator new(size_t n) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* p = std::malloc(n == 0 ? 1 : n))
    return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, size_t) noexcept {
  std::free(p);
}

namespace troupe::scrape {
namespace {

size_t allocations_of_a_known_body(int gauges, bool openmetrics) {
  exporter_size n;
  n.gauges = gauges;
  one_target t;
  http::fetch_result got;
  got.code = 200;
  got.content_type = openmetrics ? "application/openmetrics-text" : "text/plain";
  for (int tick = 0; tick < 12; ++tick) {
    got.body = exporter_body(tick, n) + (openmetrics ? "# EOF\n" : "");
    const size_t before = allocations.load();
    const auto r = t.take(got);
    const size_t used = allocations.load() - before;
    EXPECT_TRUE(r.error.ok()) << r.error.message();
    if (tick == 11)
      return used;
  }
  return 0;
}

TEST(Allocation, KnownLinesCostNone) {
  for (const bool openmetrics : {false, true}) {
    const auto few = allocations_of_a_known_body(10, openmetrics);
    const auto many = allocations_of_a_known_body(1'000, openmetrics);
    EXPECT_EQ(few, many);
    EXPECT_LE(many, 8u) << "the batch, its floats, the media type";
  }
}

}  // namespace
}  // namespace troupe::scrape
