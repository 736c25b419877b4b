#include "pipeline/scrape/schedule.h"

#include "storage/base/hash.h"

#include <cstring>
#include <string_view>

namespace troupe::scrape {
namespace {

constexpr uint64_t schedule_seed = 0x7363'6865'6475'6c65ULL;

}  // namespace

int64_t offset_of(uint64_t target_id, int64_t interval_ms) {
  char bytes[sizeof target_id];
  std::memcpy(bytes, &target_id, sizeof bytes);
  return static_cast<int64_t>(xxh3({bytes, sizeof bytes}, schedule_seed) %
                              static_cast<uint64_t>(interval_ms));
}

int64_t next_instant(uint64_t target_id, int64_t interval_ms, int64_t after_ms) {
  const int64_t offset = offset_of(target_id, interval_ms);
  // Floor division: the clock may stand before 1970.
  int64_t period = (after_ms - offset) / interval_ms;
  if ((after_ms - offset) % interval_ms < 0)
    --period;
  return (period + 1) * interval_ms + offset;
}

}  // namespace troupe::scrape
