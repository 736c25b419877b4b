// Where a log ends that has reserved space behind it.
#include "storage/wal/log_end.h"

#include "storage/wal/frame.h"
#include "tests/support/sim_file_system.h"

#include <gtest/gtest.h>

namespace troupe::storage {
namespace {

std::string frame_of(std::string_view body) {
  std::string out;
  put_frame({.salt = 7, .epoch = ~0ull, .sequence = ~0ull, .ts = -1, .tenant = "t"}, body, false,
            out);
  return out;
}

uint64_t end_of(const std::string& content) {
  support::sim_file_system fs(1);
  fs.put("log", content);
  auto file = fs.open_read("log");
  return end_of_frames(**file, content.size());
}

const std::string zeros(300'000, '\0');

TEST(log_end, is_the_end_of_a_file_without_zeros) {
  const std::string two = frame_of("abc") + frame_of("defg");
  EXPECT_EQ(end_of(two), two.size());
  EXPECT_EQ(end_of(""), 0u);
}

TEST(log_end, is_before_the_zeros) {
  const std::string two = frame_of("abc") + frame_of("defg");
  for (size_t n : {size_t{1}, size_t{47}, size_t{4096}, zeros.size()})
    EXPECT_EQ(end_of(two + zeros.substr(0, n)), two.size()) << n;
  EXPECT_EQ(end_of(zeros), 0u);
}

TEST(log_end, keeps_the_zeros_that_a_frame_ends_in) {
  for (size_t own : {1, 5'000, 200'000}) {
    const std::string two = frame_of("abc") + frame_of("x" + zeros.substr(0, own));
    EXPECT_EQ(end_of(two), two.size()) << own;
    EXPECT_EQ(end_of(two + zeros), two.size()) << own;
    const std::string torn = frame_of("abcdefghij").substr(0, 50);
    EXPECT_EQ(end_of(two + torn + zeros), two.size() + torn.size()) << own;
  }
}

TEST(log_end, is_behind_the_last_byte_of_half_a_frame) {
  const std::string one = frame_of("abc");
  const std::string next = frame_of(std::string(100'000, 'x'));
  for (size_t n : {size_t{1}, size_t{40}, size_t{60}, size_t{99'000}})
    EXPECT_EQ(end_of(one + next.substr(0, n) + zeros), one.size() + n) << n;
  EXPECT_EQ(end_of(next.substr(0, 99'000) + zeros), 99'000u);
}

TEST(log_end, is_the_limit_where_nothing_can_be_read) {
  support::sim_file_system fs(1);
  fs.put("log", frame_of("abc") + zeros);
  auto file = fs.open_read("log");
  fs.fail_nth(1, errc::io_error, false, support::op_read);
  EXPECT_EQ(end_of_frames(**file, 200'000), 200'000u);
}

}  // namespace
}  // namespace troupe::storage
