#include "storage/base/ref_table.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>

namespace troupe {
namespace {

/// Random insertions, look-ups and erasures beside a map; `hash` decides how badly references
/// collide.
void agrees_with_a_map(const std::function<uint32_t(uint32_t)>& hash, uint64_t seed) {
  seeded_random random(seed);
  ref_table table;
  std::map<uint32_t, bool> present;
  for (int i = 0; i < 30'000; ++i) {
    const auto ref = static_cast<uint32_t>(1 + random.below(i < 15'000 ? 3000 : 300));
    bool& here = present[ref];
    const auto is = [&](uint32_t r) { return r == ref; };
    ASSERT_EQ(table.find(hash(ref), is), here ? ref : ref_table::none);
    if (here)
      table.erase(ref, hash(ref), hash);
    else
      table.insert(ref, hash(ref), hash);
    here = !here;
  }
  size_t count = 0;
  for (const auto& [ref, here] : present) {
    const auto is = [r = ref](uint32_t other) { return other == r; };
    ASSERT_EQ(table.find(hash(ref), is), here ? ref : ref_table::none);
    count += here;
  }
  EXPECT_EQ(table.size(), count);
}

TEST(ref_table, agrees_with_a_map) {
  agrees_with_a_map([](uint32_t r) { return r * 0x9e3779b9u; }, 1);
}

TEST(ref_table, agrees_with_a_map_under_collisions) {
  agrees_with_a_map([](uint32_t r) { return (r % 7) * 0x24924924u; }, 2);
  agrees_with_a_map([](uint32_t) { return 0xffffffffu; }, 3);  // all at home in the last cell
}

TEST(ref_table, stays_well_filled) {
  const auto hash = [](uint32_t r) { return r * 0x9e3779b9u; };
  ref_table table;
  for (uint32_t r = 1; r <= 100'000; ++r) {
    table.insert(r, hash(r), hash);
    ASSERT_LE(table.memory_bytes(), r * 5 / 0.58 + 100);
    ASSERT_GE(table.memory_bytes(), r * 5 / 0.875);
  }
  for (uint32_t r = 1; r <= 99'900; ++r)
    table.erase(r, hash(r), hash);
  EXPECT_LE(table.memory_bytes(), 100 * 4 * 5 + 100u);
  table.clear();
  EXPECT_EQ(table.memory_bytes(), 0u);
  EXPECT_EQ(table.find(1, [](uint32_t) { return true; }), ref_table::none);
}

}  // namespace
}  // namespace troupe
