#include "storage/index/list_cache.h"

#include <gtest/gtest.h>

#include <string>

namespace troupe::storage {
namespace {

list_cache::value list_of(size_t n) {
  return std::make_shared<const std::vector<uint32_t>>(n, 7);
}

TEST(list_cache, answers_of_another_epoch_are_gone) {
  list_cache cache;
  cache.put("a", 1, list_of(3), 10'000);
  ASSERT_NE(cache.find("a", 1), nullptr);
  EXPECT_EQ(cache.find("a", 2), nullptr);
  EXPECT_EQ(cache.find("a", 1), nullptr) << "dropped when it was found old";
  EXPECT_EQ(cache.memory_bytes(), 0u);
}

TEST(list_cache, stays_within_its_bytes_and_drops_the_least_used) {
  list_cache cache;
  for (int i = 0; i < 10; ++i)
    cache.put(std::to_string(i), 1, list_of(1000), 40'000);
  EXPECT_LE(cache.memory_bytes(), 40'000u);
  EXPECT_EQ(cache.find("0", 1), nullptr);
  ASSERT_NE(cache.find("9", 1), nullptr);
  for (int i = 10; i < 20; ++i) {
    ASSERT_NE(cache.find("9", 1), nullptr) << "used all the time";
    cache.put(std::to_string(i), 1, list_of(1000), 40'000);
  }
  cache.put("huge", 1, list_of(100'000), 40'000);
  EXPECT_EQ(cache.find("huge", 1), nullptr);
  EXPECT_LE(cache.memory_bytes(), 40'000u);
}

TEST(list_cache, a_new_answer_replaces_the_old_one) {
  list_cache cache;
  cache.put("a", 1, list_of(3), 10'000);
  const size_t before = cache.memory_bytes();
  cache.put("a", 2, list_of(3), 10'000);
  EXPECT_EQ(cache.memory_bytes(), before);
  EXPECT_EQ(cache.find("a", 2)->size(), 3u);
}

}  // namespace
}  // namespace troupe::storage
