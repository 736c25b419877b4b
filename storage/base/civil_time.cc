#include "storage/base/civil_time.h"

#include <fmt/format.h>

namespace troupe {
namespace {

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool is_leap(int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

}  // namespace

// Howard Hinnant's algorithm: eras of 400 years that start on the first of March.
civil_time civil_date_of(int64_t days) {
  const int64_t shifted = days + 719468;
  const int64_t era = floor_div(shifted, 146097);
  const int64_t of_era = shifted - era * 146097;
  const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
  const int64_t shifted_month = (5 * of_year + 2) / 153;
  civil_time c;
  c.day = static_cast<int>(of_year - (153 * shifted_month + 2) / 5 + 1);
  c.month = static_cast<int>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  c.year = year + era * 400 + (c.month <= 2 ? 1 : 0);
  const int64_t since_sunday = days + 4;  // 1970-01-01 was a Thursday
  c.weekday = static_cast<int>(since_sunday - floor_div(since_sunday, 7) * 7);
  // Days of a year that starts in March, turned round to January.
  constexpr int january_and_february = 59, march_to_december = 306;
  const auto at = static_cast<int>(of_year);
  c.day_of_year = 1 + (c.month > 2 ? at + january_and_february + (is_leap(c.year) ? 1 : 0)
                                   : at - march_to_december);
  return c;
}

civil_time civil_time_of(int64_t unix_seconds) {
  const int64_t days = floor_div(unix_seconds, 86400);
  const int64_t rest = unix_seconds - days * 86400;
  auto c = civil_date_of(days);
  c.hour = static_cast<int>(rest / 3600);
  c.minute = static_cast<int>(rest / 60 % 60);
  c.second = static_cast<int>(rest % 60);
  return c;
}

int days_in_month(const civil_time& t) {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return t.month == 2 && is_leap(t.year) ? 29 : days[t.month - 1];
}

std::string format_rfc3339(int64_t ms) {
  const int64_t seconds = floor_div(ms, 1000);
  auto out = format_rfc3339_seconds(seconds);
  out.pop_back();
  return out + fmt::format(".{:03}Z", ms - seconds * 1000);
}

std::string format_rfc3339_seconds(int64_t unix_seconds) {
  const auto c = civil_time_of(unix_seconds);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", c.year, c.month, c.day, c.hour,
                     c.minute, c.second);
}

}  // namespace troupe
