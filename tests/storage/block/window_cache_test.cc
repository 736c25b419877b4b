#include "storage/block/window_cache.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

chunk_window window_of(size_t samples) {
  chunk_window out;
  out.samples = samples;
  out.columns.ts.resize(samples);
  out.columns.values.resize(samples);
  return out;
}

TEST(window_cache, keeps_what_was_used_last_within_its_memory) {
  window_cache cache;
  cache.enter(0, 9);
  constexpr size_t n = 4096, room = window_cache::max_samples / n;
  for (uint64_t i = 0; i < room; ++i)
    EXPECT_EQ(cache.put(i, window_of(n)).samples, n);
  ASSERT_NE(cache.find(0), nullptr);
  cache.put(room, window_of(n));
  EXPECT_NE(cache.find(0), nullptr);
  EXPECT_EQ(cache.find(1), nullptr);
  EXPECT_NE(cache.find(2), nullptr);
  // One that is larger than all is there until the next.
  EXPECT_EQ(cache.put(100, window_of(2 * window_cache::max_samples)).samples,
            2 * window_cache::max_samples);
  EXPECT_EQ(cache.find(0), nullptr);
  cache.put(101, window_of(1));
  EXPECT_EQ(cache.find(100), nullptr);
  EXPECT_EQ(cache.find(101)->samples, 1u);
}

TEST(window_cache, small_entries_are_bounded_too) {
  window_cache cache;
  cache.enter(0, 9);
  for (uint64_t i = 0; i < 10'000; ++i)
    cache.put(i, window_of(1));
  size_t held = 0;
  for (uint64_t i = 0; i < 10'000; ++i)
    held += cache.find(i) != nullptr;
  EXPECT_EQ(held, window_cache::max_samples / 64);
}

TEST(window_cache, is_of_one_window) {
  window_cache cache;
  cache.enter(0, 9);
  cache.put(7, window_of(1));
  cache.enter(0, 9);
  EXPECT_NE(cache.find(7), nullptr);
  cache.enter(0, 8);
  EXPECT_EQ(cache.find(7), nullptr);
}

}  // namespace
}  // namespace troupe::storage
