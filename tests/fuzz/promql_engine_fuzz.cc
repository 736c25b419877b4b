// Any text as a query, instant and range, over a few series of every kind: a value or an error,
// within small limits.
#include "query/engine/engine.h"
#include "tests/support/memory_queryable.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace troupe;

std::unique_ptr<memory_queryable> make_store() {
  auto store = std::make_unique<memory_queryable>();
  auto native = std::make_shared<histogram>();
  native->count = 4;
  native->sum = 5;
  native->positive_spans = {{0, 3}};
  native->positive_buckets = {1, 2, 1};
  for (int i = 0; i < 20; ++i) {
    const timestamp_ms ts = i * 15'000;
    const auto add = [&](const char* name, const char* a, const char* le, double v) {
      store->append(labels::from({{"__name__", name}, {"a", a}, {"le", le}}), ts, v, ts / 2);
    };
    add("m", "x", "", i % 7);
    add("m", "y", "", i == 9 ? stale_nan() : 0.1 * i);
    add("c_total", "x", "", i * 10);
    add("b_bucket", "x", "1", i);
    add("b_bucket", "x", "+Inf", 2 * i);
    store->append(labels::from({{"__name__", "h"}, {"a", "x"}}), ts, native);
    if (i % 2 == 0)
      store->append(labels::from({{"__name__", "mixed"}, {"a", "x"}}), ts, native);
    else
      add("mixed", "x", "", i);
  }
  return store;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto store = make_store();
  static const system_clock clock;
  query::engine_options options = query::engine_options::everything();
  options.max_samples = 20'000;
  options.max_memory_bytes = 4 << 20;
  options.timeout_ms = 1000;
  options.enable_delayed_name_removal = size % 2 == 0;
  const query::engine engine(options, clock);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)engine.instant(*store, "", text, 200'000).ok();
  (void)engine.range(*store, "", text, 0, 300'000, 30'000).ok();
  return 0;
}
