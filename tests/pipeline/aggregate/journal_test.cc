#include "pipeline/aggregate/journal.h"

#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe::aggregate {
namespace {

snapshot some_snapshot() {
  snapshot s;
  for (uint16_t i = 0; i < slot_count; ++i)
    s.at.next[i] = {3, i, 0};
  s.at.from = {{3, 1}, {3, 7}};
  s.rules = {{11, "one"}, {12, std::string("t\0wo", 4)}};
  return s;
}
decision some_decision(uint64_t n) {
  return {{{0, 4, {3, n, 0}}, {0, 200, {3, n + 1, 0}}},
          {{11, static_cast<timestamp_ms>(n) * 1'000}, {12, -5}}};
}

class Journal : public testing::Test {
 protected:
  Journal() { EXPECT_TRUE(fs.create_directories("d").ok()); }
  support::sim_file_system fs{1};
  journal j{fs, "d/state"};
};

TEST_F(Journal, WhatWasWrittenIsReadAfterACrash) {
  EXPECT_FALSE(j.load()->has_value());
  EXPECT_EQ(j.append(some_decision(1)).code(), errc::unavailable);
  ASSERT_TRUE(j.store(some_snapshot()).ok());
  ASSERT_TRUE(j.append(some_decision(1)).ok());
  ASSERT_TRUE(j.append(some_decision(2)).ok());
  EXPECT_GT(j.appended(), 0u);
  fs.crash();
  journal again(fs, "d/state");
  const journal_contents expected{some_snapshot(), {some_decision(1), some_decision(2)}};
  EXPECT_EQ(**again.load(), expected);
  ASSERT_TRUE(again.store(some_snapshot()).ok());
  EXPECT_EQ((*again.load())->since.size(), 0u);
}

TEST_F(Journal, ATornEndCostsItselfAlone) {
  ASSERT_TRUE(j.store(some_snapshot()).ok());
  const uint64_t whole = *fs.file_size("d/state");
  ASSERT_TRUE(j.append(some_decision(1)).ok());
  const uint64_t one = *fs.file_size("d/state");
  ASSERT_TRUE(j.append(some_decision(2)).ok());
  const auto bytes = *read_file(fs, "d/state");
  for (uint64_t n = 0; n <= bytes.size(); ++n) {
    const auto got = read_journal(std::string_view(bytes).substr(0, n));
    EXPECT_EQ(got.ok(), n >= whole) << n;
    if (got.ok()) {
      EXPECT_EQ(got->since.size(), n == bytes.size() ? 2u : n >= one ? 1u : 0u) << n;
    }
  }
}

TEST_F(Journal, AfterAFailedWriteAllIsWrittenAnew) {
  ASSERT_TRUE(j.store(some_snapshot()).ok());
  fs.fail_nth(1, errc::io_error);
  EXPECT_FALSE(j.append(some_decision(1)).ok());
  fs.clear_faults();
  EXPECT_EQ(j.append(some_decision(1)).code(), errc::unavailable);
  ASSERT_TRUE(j.store(some_snapshot()).ok());
  EXPECT_TRUE(j.append(some_decision(1)).ok());
  ASSERT_TRUE(j.remove().ok());
  EXPECT_TRUE(j.remove().ok());
  EXPECT_FALSE(j.load()->has_value());
}

}  // namespace
}  // namespace troupe::aggregate
