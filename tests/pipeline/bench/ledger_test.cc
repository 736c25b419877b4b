#include "pipeline/bench/ledger.h"

#include "tests/support/sim_file_system.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace troupe::bench {
namespace {

using ::testing::HasSubstr;

ledger_header header() {
  ledger_header h;
  h.profile = "busy";
  h.width = 50;
  h.fleet = {.seed = 11,
             .series = 2500,
             .rows = 4,
             .step_ms = 15'000,
             .start = 1'700'000'000'123,
             .churn = 0.125};
  h.shape = write_shape::of(h.fleet, 1000);
  return h;
}

TEST(WriteShape, FillsRequestsWithSeriesThenWithRows) {
  const fleet_options wide{.series = 52'000, .rows = 480};
  auto s = write_shape::of(wide, 2000);
  EXPECT_EQ(s.series, 2000u);
  EXPECT_EQ(s.rows, 1u);
  EXPECT_EQ(s.chunks(wide), 26u);
  EXPECT_EQ(s.groups(wide), 480u);
  const fleet_options narrow{.series = 300, .rows = 100};
  s = write_shape::of(narrow, 2000);
  EXPECT_EQ(s.series, 300u);
  EXPECT_EQ(s.rows, 6u);
  EXPECT_EQ(s.chunks(narrow), 1u);
  EXPECT_EQ(s.groups(narrow), 17u);
  // New series may come at any row.
  const fleet_options churning{.series = 300, .rows = 100, .churn = 1};
  EXPECT_EQ(write_shape::of(churning, 2000).rows, 1u);
}

TEST(Ledger, ReadsBackWhatItWrote) {
  support::sim_file_system fs(1);
  ledger_book book(header());
  ASSERT_TRUE(book.open(fs, "l").ok());
  ASSERT_TRUE(book.note(0, 2, outcome::acked).ok());
  ASSERT_TRUE(book.note(3, 0, outcome::unknown).ok());
  ASSERT_TRUE(book.note(1, 1, outcome::refused).ok());
  auto got = parse_ledger(*read_file(fs, "l"));
  ASSERT_TRUE(got.ok()) << got.error().to_string();
  EXPECT_EQ(got->header.profile, "busy");
  EXPECT_EQ(got->header.recording, "");
  EXPECT_EQ(got->header.width, 50u);
  EXPECT_EQ(got->header.fleet.seed, 11u);
  EXPECT_EQ(got->header.fleet.start, 1'700'000'000'123);
  EXPECT_EQ(got->header.fleet.churn, 0.125);
  EXPECT_EQ(got->header.shape.series, 1000u);
  EXPECT_EQ(got->requests, book.entries().requests);
  EXPECT_EQ(got->at(0, 2), outcome::acked);
  EXPECT_EQ(got->at(3, 0), outcome::unknown);
  EXPECT_EQ(got->at(1, 1), outcome::refused);
  EXPECT_EQ(got->at(2, 2), outcome::unsent);
}

TEST(Ledger, LeavesATornLastLineOut) {
  support::sim_file_system fs(1);
  ledger_book book(header());
  ASSERT_TRUE(book.open(fs, "l").ok());
  ASSERT_TRUE(book.note(0, 1, outcome::acked).ok());
  const auto text = *read_file(fs, "l");
  auto got = parse_ledger(text + "a 1 ");
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->requests, book.entries().requests);
}

TEST(Ledger, NamesTheLineThatIsWrong) {
  support::sim_file_system fs(1);
  ledger_book book(header());
  ASSERT_TRUE(book.open(fs, "l").ok());
  const auto text = *read_file(fs, "l");
  for (const auto* line : {"x 0 0", "a 0", "a 0 3", "a 4 0", "a -1 0", "a 0 0 0", "? 0 0", ""}) {
    auto got = parse_ledger(text + line + "\n");
    ASSERT_FALSE(got.ok()) << line;
    EXPECT_THAT(std::string(got.error().message()), HasSubstr("line 14")) << line;
  }
  EXPECT_FALSE(parse_ledger("").ok());
  EXPECT_FALSE(parse_ledger("troupe-ledger 2\n\n").ok());
  EXPECT_FALSE(parse_ledger("troupe-ledger 1\nseries 99999999999999999999\n\n").ok());
  EXPECT_FALSE(parse_ledger("troupe-ledger 1\nseries 1000000000\nrows 1000000000\n\n").ok());
  EXPECT_FALSE(parse_ledger("troupe-ledger 1\nchurn nan\n\n").ok());
}

}  // namespace
}  // namespace troupe::bench
