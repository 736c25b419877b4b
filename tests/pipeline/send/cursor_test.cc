#include "pipeline/send/cursor_file.h"
#include "storage/base/random.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe::send {
namespace {

cursor made(uint64_t seed, size_t stretches) {
  seeded_random random(seed);
  cursor c;
  for (size_t i = 0; i < stretches; ++i) {
    stretch s;
    for (auto& p : s.next)
      p = {random.below(1000), random.next(), static_cast<uint32_t>(random.below(1 << 20))};
    for (size_t k = 0; k < 3; ++k)
      s.from.push_back({random.next(), static_cast<uint32_t>(random.below(1 << 20))});
    if (i + 1 < stretches) {
      s.end = s.next;
      s.end_from = s.from;
    }
    c.stretches.push_back(std::move(s));
  }
  return c;
}

TEST(Cursor, ComesBackAsItWas) {
  for (size_t n = 1; n < 4; ++n) {
    const cursor c = made(n, n);
    const auto back = decode_cursor(encode(c));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(*back, c);
  }
}

TEST(Cursor, NoCutIsTakenForAWhole) {
  const std::string bytes = encode(made(1, 2));
  for (size_t n = 0; n < bytes.size(); ++n)
    EXPECT_EQ(decode_cursor(bytes.substr(0, n)).code(), errc::corruption) << n;
}

TEST(CursorFile, WhatWasAppendedIsThereAfterADeath) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("d").ok());
  cursor c = made(1, 2);
  {
    cursor_file file(fs, "d/c");
    EXPECT_FALSE(file.load()->has_value());
    ASSERT_TRUE(file.store(c).ok());
    for (uint16_t i = 0; i < 50; ++i) {
      const std::vector<advance> steps{{i % 2U, i, {1, i, 7}}};
      ASSERT_TRUE(apply(steps, c));
      ASSERT_TRUE(file.append(steps, [&] { return c; }).ok());
    }
    fs.kill();
  }
  EXPECT_EQ(**cursor_file(fs, "d/c").load(), c);
}

TEST(CursorFile, APowerCutTakesAtMostWhatWasNotSynced) {
  for (uint64_t seed = 1; seed < 30; ++seed) {
    support::sim_file_system fs(seed);
    ASSERT_TRUE(fs.create_directories("d").ok());
    cursor c = made(seed, 1);
    cursor_file file(fs, "d/c");
    ASSERT_TRUE(file.store(c).ok());
    uint64_t synced = 0, written = 0;
    for (uint64_t i = 1; i < 40; ++i) {
      const std::vector<advance> steps{{0, 3, {1, i, 0}}};
      ASSERT_TRUE(apply(steps, c));
      ASSERT_TRUE(file.append(steps, [&] { return c; }).ok());
      written = i;
      if (i % 7 == 0) {
        ASSERT_TRUE(file.sync().ok());
        synced = i;
      }
    }
    fs.crash();
    const auto back = cursor_file(fs, "d/c").load();
    ASSERT_TRUE(back.ok() && *back);
    const uint64_t at = (**back).stretches[0].next[3].sequence;
    EXPECT_GE(at, synced);
    EXPECT_LE(at, written);
  }
}

TEST(CursorFile, GrowsNoLargerThanItsBound) {
  support::sim_file_system fs(1);
  ASSERT_TRUE(fs.create_directories("d").ok());
  cursor c = made(1, 1);
  cursor_file file(fs, "d/c");
  ASSERT_TRUE(file.store(c).ok());
  std::vector<advance> steps;
  for (uint16_t s = 0; s < slot_count; ++s)
    steps.push_back({0, s, {1, 2, 3}});
  for (int i = 0; i < 2000; ++i)
    ASSERT_TRUE(file.append(steps, [&] { return c; }).ok());
  EXPECT_LT(*fs.file_size("d/c"), cursor_file::most_bytes + (64 << 10));
  ASSERT_TRUE(cursor_file(fs, "d/c").load().ok());
}

TEST(CursorFile, DamageIsTold) {
  support::sim_file_system fs(1);
  fs.put("d/c", "nonsense");
  EXPECT_EQ(cursor_file(fs, "d/c").load().code(), errc::corruption);
}

}  // namespace
}  // namespace troupe::send
