#include "storage/base/frequent_items.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <map>

namespace troupe {
namespace {

using sketch = frequent_items<int>;

int nothing() {
  return 0;
}

TEST(frequent_items, counts_exactly_what_fits) {
  sketch s(4);
  for (const uint64_t key : {7u, 8u, 7u, 9u, 7u, 8u})
    s.add(key, 1, nothing);
  const auto top = s.top();
  ASSERT_EQ(top.size(), 3u);
  EXPECT_EQ(top[0]->key, 7u);
  EXPECT_EQ(top[0]->count, 3u);
  EXPECT_EQ(top[1]->key, 8u);
  EXPECT_EQ(top[2]->count, 1u);
  EXPECT_EQ(s.missed(), 0u);
  EXPECT_EQ(s.total(), 6u);
}

TEST(frequent_items, payloads_are_made_once_and_kept) {
  sketch s(4);
  s.add(1, 1, [] { return 5; }) += 1;
  EXPECT_EQ(s.add(1, 1, [] { return 7; }), 6);
}

// A skewed stream: the bounds hold for every key, and the heavy ones are there.
TEST(frequent_items, bounds_hold_in_bounded_memory) {
  constexpr size_t most = 64;
  seeded_random random(3);
  sketch s(most);
  std::map<uint64_t, uint64_t> exact;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t key = i % 5 == 0 ? i % 3 : 1000 + random.next() % 50'000;
    ++exact[key];
    s.add(key, 1, nothing);
  }
  EXPECT_LE(s.items().size(), most);
  EXPECT_LE(s.missed(), 2 * s.total() / most);
  std::map<uint64_t, uint64_t> held;
  for (const auto& i : s.items())
    held[i.key] = i.count;
  for (const auto& [key, n] : exact) {
    EXPECT_LE(held[key], n);
    EXPECT_GE(held[key] + s.missed(), n);
  }
  for (int i = 0; i < 3; ++i)
    EXPECT_LT(s.top()[static_cast<size_t>(i)]->key, 3u);
}

TEST(frequent_items, sums_keep_the_bounds) {
  seeded_random random(5);
  sketch parts[4] = {sketch(32), sketch(32), sketch(32), sketch(32)};
  sketch sum(32);
  std::map<uint64_t, uint64_t> exact;
  for (auto& part : parts) {
    for (int i = 0; i < 5'000; ++i) {
      const uint64_t key = i % 4 == 0 ? 1 : random.next() % 3'000;
      ++exact[key];
      part.add(key, 1, [] { return 1; });
    }
    sum.add(part, [](int& ours, const int& theirs) { ours += theirs; });
  }
  EXPECT_EQ(sum.total(), 20'000u);
  const auto* first = sum.top().front();
  EXPECT_EQ(first->key, 1u);
  EXPECT_EQ(first->payload, 4);
  for (const auto& i : sum.items()) {
    EXPECT_LE(i.count, exact[i.key]);
    EXPECT_GE(i.count + sum.missed(), exact[i.key]);
  }
}

}  // namespace
}  // namespace troupe
