#include "storage/base/slab_arena.h"

#include "storage/base/random.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace troupe {
namespace {

struct object {
  slab_arena::handle at;
  size_t size;
  char fill;
};

void check_and_free(slab_arena& arena, const object& o) {
  const auto* bytes = static_cast<const char*>(arena.at(o.at));
  for (size_t i = 0; i < o.size; ++i)
    ASSERT_EQ(bytes[i], o.fill);
  arena.free(o.at, o.size);
}

object make(slab_arena& arena, size_t size, char fill) {
  const auto h = arena.allocate(size);
  std::memset(arena.at(h), fill, size);
  return {h, size, fill};
}

TEST(slab_arena, keeps_objects_of_all_sizes_apart) {
  const auto arena = std::make_unique<slab_arena>();
  std::vector<object> live;
  std::set<slab_arena::handle> handles;
  for (size_t size = 1; size <= slab_arena::max_size; size += 1 + size / 50)
    for (int k = 0; k < 3; ++k) {
      live.push_back(make(*arena, size, static_cast<char>(live.size())));
      EXPECT_NE(live.back().at, slab_arena::none);
      EXPECT_TRUE(handles.insert(live.back().at).second);
      EXPECT_EQ(slab_arena::handle_of(arena->at(live.back().at)), live.back().at);
    }
  for (const auto& o : live)
    check_and_free(*arena, o);
  EXPECT_EQ(arena->object_bytes(), 0u);
}

TEST(slab_arena, rounds_up_by_an_eighth_at_most) {
  const auto arena = std::make_unique<slab_arena>();
  for (size_t size = 1; size <= slab_arena::max_size; ++size) {
    const size_t before = arena->object_bytes();
    const auto h = arena->allocate(size);
    const size_t took = arena->object_bytes() - before;
    ASSERT_GE(took, size);
    ASSERT_LE(took, std::max((size + 3) / 4 * 4, size + size / 8 + 1));
    arena->free(h, size);
  }
}

TEST(slab_arena, uses_freed_room_again_and_returns_empty_slabs) {
  const auto arena = std::make_unique<slab_arena>();
  std::vector<object> live;
  for (int i = 0; i < 20'000; ++i)
    live.push_back(make(*arena, 36, static_cast<char>(i)));
  const size_t full = arena->slab_bytes();
  EXPECT_LE(full, 20'000 * 36 + (64u << 10) * 2);
  // Every other one goes: the same number fits again without a new slab.
  for (size_t i = 0; i < live.size(); i += 2) {
    check_and_free(*arena, live[i]);
    live[i] = make(*arena, 36, 'n');
  }
  EXPECT_EQ(arena->slab_bytes(), full);
  for (const auto& o : live)
    check_and_free(*arena, o);
  EXPECT_LE(arena->slab_bytes(), size_t{64} << 10);
}

TEST(slab_arena, random_lives_from_several_threads) {
  const auto arena = std::make_unique<slab_arena>();
  const auto work = [&](uint64_t seed) {
    seeded_random random(seed);
    std::vector<object> live;
    for (int i = 0; i < 20'000; ++i) {
      if (live.empty() || random.below(5) < 3) {
        live.push_back(make(*arena, 1 + random.below(random.below(20) == 0 ? 8192 : 100),
                            static_cast<char>(seed + i)));
        continue;
      }
      const size_t at = random.below(live.size());
      check_and_free(*arena, live[at]);
      live[at] = live.back();
      live.pop_back();
    }
    for (const auto& o : live)
      check_and_free(*arena, o);
  };
  std::vector<std::thread> threads;
  for (uint64_t t = 1; t <= 4; ++t)
    threads.emplace_back(work, t);
  for (auto& t : threads)
    t.join();
  EXPECT_EQ(arena->object_bytes(), 0u);
}

}  // namespace
}  // namespace troupe
