#include "storage/base/memory_budget.h"

#include <gtest/gtest.h>

#include <memory>

namespace troupe {
namespace {

constexpr uint64_t mib = 1 << 20;

struct memory_budget_test : testing::Test {
  manual_clock clk;
  uint64_t held = 0;
  int measured = 0;
  memory_budget budget{100 * mib,
                       [this] {
                         ++measured;
                         return held;
                       },
                       clk};

  void hold(uint64_t bytes) {
    held = bytes;
    clk.advance_ms(100);
  }
};

TEST_F(memory_budget_test, a_charge_is_as_large_as_was_last_granted) {
  {
    memory_charge charge(&budget);
    EXPECT_TRUE(charge.set(60 * mib));
    EXPECT_EQ(budget.used(), 60 * mib);
    EXPECT_FALSE(charge.set(99 * mib));
    EXPECT_EQ(budget.used(), 60 * mib);
    EXPECT_TRUE(charge.set(10 * mib));
    EXPECT_EQ(budget.used(), 10 * mib);
  }
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_TRUE(memory_charge(nullptr).set(1'000 * mib));
}

TEST_F(memory_budget_test, levels_follow_what_is_held) {
  hold(79 * mib);
  EXPECT_EQ(budget.level(), memory_level::normal);
  hold(80 * mib);
  EXPECT_EQ(budget.level(), memory_level::give_back);
  hold(90 * mib);
  EXPECT_EQ(budget.level(), memory_level::no_growth);
  hold(109 * mib);
  EXPECT_EQ(budget.level(), memory_level::no_growth);
  hold(110 * mib);
  EXPECT_EQ(budget.level(), memory_level::full);
  hold(10 * mib);
  EXPECT_EQ(budget.level(), memory_level::normal);
}

TEST_F(memory_budget_test, is_measured_ten_times_a_second_at_most) {
  hold(1);
  for (int i = 0; i < 1000; ++i)
    budget.level();
  EXPECT_EQ(measured, 1);
  clk.advance_ms(99);
  budget.level();
  EXPECT_EQ(measured, 1);
  clk.advance_ms(1);
  budget.level();
  EXPECT_EQ(measured, 2);
}

TEST_F(memory_budget_test, charges_count_before_they_are_measured) {
  hold(50 * mib);
  EXPECT_TRUE(budget.try_charge(45 * mib));
  EXPECT_EQ(budget.used(), 95 * mib);
  EXPECT_FALSE(budget.try_charge(1));
  EXPECT_EQ(budget.refused(), 1u);
  // What was charged is there now, and is not counted twice.
  hold(95 * mib);
  EXPECT_EQ(budget.used(), 95 * mib);
  budget.release(45 * mib);
  EXPECT_EQ(budget.used(), 50 * mib);
  // A charge that was never used up counts as long as it is held.
  EXPECT_TRUE(budget.try_charge(40 * mib));
  hold(20 * mib);
  EXPECT_EQ(budget.used(), 40 * mib);
}

TEST_F(memory_budget_test, without_a_limit_nothing_is_measured) {
  memory_budget none(
      0, [this] { return ++measured, held; }, clk);
  hold(1000 * mib);
  EXPECT_EQ(none.level(), memory_level::normal);
  EXPECT_TRUE(none.try_charge(UINT64_MAX / 4));
  EXPECT_EQ(measured, 0);
}

TEST(process_memory, grows_with_what_is_touched) {
  constexpr size_t size = 64 * mib;
  const uint64_t before = anonymous_memory();
  ASSERT_GT(before, 0u);
  std::unique_ptr<char[]> bytes(new char[size]);
  for (size_t i = 0; i < size; i += 4096)
    bytes[i] = 1;
  EXPECT_GE(anonymous_memory(), before + size / 10 * 9);
}

TEST(process_memory, the_machine_has_some) {
  EXPECT_GT(available_memory(), 64 * mib);
  EXPECT_GE(available_memory(), anonymous_memory());
}

}  // namespace
}  // namespace troupe
