#include "storage/base/civil_time.h"

#include <gtest/gtest.h>

#include <chrono>

namespace troupe {
namespace {

TEST(civil_time, is_the_gregorian_calendar) {
  using namespace std::chrono;
  for (int64_t day = -800'000; day <= 800'000; day += 37) {
    const year_month_day want{sys_days(days(day))};
    const auto got = civil_time_of(day * 86'400 + 3'723);
    ASSERT_EQ(got.year, static_cast<int>(want.year())) << day;
    ASSERT_EQ(got.month, static_cast<int>(static_cast<unsigned>(want.month()))) << day;
    ASSERT_EQ(got.day, static_cast<int>(static_cast<unsigned>(want.day()))) << day;
    ASSERT_EQ(got.hour * 3600 + got.minute * 60 + got.second, 3'723);
    ASSERT_EQ(got.weekday, static_cast<int>(weekday(sys_days(days(day))).c_encoding())) << day;
    ASSERT_EQ(days_in_month(got),
              static_cast<int>(static_cast<unsigned>((want.year() / want.month() / last).day())));
    const auto new_year = sys_days(want.year() / January / 1).time_since_epoch().count();
    ASSERT_EQ(got.day_of_year, day - new_year + 1) << day;
  }
}

TEST(civil_time, goes_below_zero) {
  const auto t = civil_time_of(-1);
  EXPECT_EQ(t.year, 1969);
  EXPECT_EQ(t.day_of_year, 365);
  EXPECT_EQ(t.second, 59);
}

TEST(civil_time, rfc3339_comes_back) {
  int64_t ms = 1;
  for (const int64_t t : {int64_t{0}, int64_t{-1}, int64_t{1'709'210'096'789}}) {
    ASSERT_TRUE(parse_rfc3339(format_rfc3339(t), ms));
    EXPECT_EQ(ms, t);
  }
  ASSERT_TRUE(parse_rfc3339("1970-01-01T01:00:00.0019+01:00", ms));
  EXPECT_EQ(ms, 1);
  for (const auto* text : {"", "1970-01-01", "1970-01-01T00:00:00", "1970-13-01T00:00:00Z",
                           "1970-01-01T00:00:00.Z", "1970-01-01T00:00:00+1:00"})
    EXPECT_FALSE(parse_rfc3339(text, ms)) << text;
}

TEST(civil_time, rfc3339_has_milliseconds) {
  EXPECT_EQ(format_rfc3339(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(1'709'210'096'789), "2024-02-29T12:34:56.789Z");
  EXPECT_EQ(format_rfc3339(-1), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(1'435'781'451'781), "2015-07-01T20:10:51.781Z");
  EXPECT_EQ(format_rfc3339_seconds(-1), "1969-12-31T23:59:59Z");
}

}  // namespace
}  // namespace troupe
