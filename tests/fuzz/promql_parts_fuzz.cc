// Any text as a query over the series of three places, instant and range: with parts of it
// evaluated there, from their text, the same bits as over all series.
#include "tests/query/engine/places.h"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

namespace {

using namespace troupe;
using query::places;

query::engine_options small_limits() {
  query::engine_options o = query::engine_options::everything();
  o.enable_delayed_name_removal = false;
  o.max_samples = 20'000;
  o.max_memory_bytes = 4 << 20;
  o.timeout_ms = 1000;
  return o;
}

// Values whose sums depend on their order, ties, both zeros, gaps, stale markers.
double value_of(seeded_random& random) {
  const double few[] = {0.0, -0.0, 1, 1, 2, 1e16, -1e16, 0.1, 1e-9, stale_nan(), normal_nan()};
  return few[random.below(std::size(few))];
}

std::unique_ptr<places> make_world(const query::engine& evaluator) {
  auto world = std::make_unique<places>(evaluator);
  seeded_random random(1);
  auto native = std::make_shared<histogram>();
  native->count = 4;
  native->sum = 5;
  native->positive_spans = {{0, 3}};
  native->positive_buckets = {1, 2, 1};
  for (size_t place = 0; place < places::count; ++place) {
    for (const char* a : {"", "x", "y"}) {
      for (const char* b : {"", "1"}) {
        double total = 0;
        for (timestamp_ms ts = 0; ts < 300'000; ts += 15'000) {
          const auto add = [&](const char* name, const char* le, const auto& v) {
            world->append(place, labels::from({{"__name__", name}, {"a", a}, {"B", b}, {"le", le}}),
                          ts, v);
          };
          if (random.below(5) == 0)
            continue;
          total = random.below(9) == 0 ? 0 : total + static_cast<double>(random.below(100)) / 7;
          add("m", "", value_of(random));
          add("n", "", value_of(random));
          add("c_total", "", total);
          add("b_bucket", "1", total / 2);
          add("b_bucket", "+Inf", total);
          add("h", "", histogram_ptr(native));
        }
      }
    }
  }
  return world;
}

bool hit_a_limit(const result<query::query_result>& r) {
  return r.code() == errc::resource_exhausted || r.code() == errc::timeout;
}

template <class Run>
void compare(places& world, std::string_view text, const Run& run) {
  query::query_overrides with_parts;
  with_parts.parts = &world;
  const auto want = run(query::query_overrides());
  const auto got = run(with_parts);
  world.texts.clear();
  if (hit_a_limit(want) || hit_a_limit(got) || query::exact(want) == query::exact(got))
    return;
  std::fprintf(stderr, "%.*s\nhere:\n%s\nwith parts:\n%s\n%s\n", static_cast<int>(text.size()),
               text.data(), query::exact(want).c_str(), query::exact(got).c_str(),
               got.ok() ? "" : std::string(got.error().message()).c_str());
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const system_clock clock;
  static const query::engine evaluator(small_limits(), clock);
  static const auto world = make_world(evaluator);
  world->take_histograms = size % 2 == 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  compare(*world, text, [&](const query::query_overrides& o) {
    return evaluator.instant(world->all, "", text, 200'000, o);
  });
  compare(*world, text, [&](const query::query_overrides& o) {
    return evaluator.range(world->all, "", text, 0, 300'000, 30'000, o);
  });
  return 0;
}
