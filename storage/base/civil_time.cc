#include "storage/base/civil_time.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <string_view>

namespace troupe {
namespace {

int64_t floor_div(int64_t a, int64_t b) {
  return a / b - (a % b < 0 ? 1 : 0);
}

bool is_leap(int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool digits(std::string_view text, size_t at, size_t n, int& out) {
  if (at + n > text.size())
    return false;
  auto [end, ec] = std::from_chars(text.data() + at, text.data() + at + n, out);
  return ec == std::errc() && end == text.data() + at + n;
}

/// The fraction of a second in ms; `at` moves behind it.
bool fraction(std::string_view text, size_t& at, int64_t& ms) {
  ms = 0;
  if (at >= text.size() || text[at] != '.')
    return true;
  size_t begin = ++at;
  int64_t scale = 100;
  while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
    ms += (text[at] - '0') * scale;
    scale /= 10;
    ++at;
  }
  return at > begin;
}

/// Offset from UTC in minutes: "Z" or "+hh:mm".
bool zone(std::string_view text, size_t at, int& minutes) {
  minutes = 0;
  if (text.substr(at) == "Z" || text.substr(at) == "z")
    return true;
  int h = 0, m = 0;
  if (text.size() != at + 6 || (text[at] != '+' && text[at] != '-') || text[at + 3] != ':' ||
      !digits(text, at + 1, 2, h) || !digits(text, at + 4, 2, m) || h > 23 || m > 59)
    return false;
  minutes = (text[at] == '-' ? -1 : 1) * (h * 60 + m);
  return true;
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

bool parse_rfc3339(std::string_view text, int64_t& ms_out) {
  int y = 0, mon = 0, d = 0, h = 0, min = 0, s = 0, offset = 0;
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':' ||
      !digits(text, 0, 4, y) || !digits(text, 5, 2, mon) || !digits(text, 8, 2, d) ||
      !digits(text, 11, 2, h) || !digits(text, 14, 2, min) || !digits(text, 17, 2, s))
    return false;
  std::chrono::year_month_day day{std::chrono::year(y),
                                  std::chrono::month(static_cast<unsigned>(mon)),
                                  std::chrono::day(static_cast<unsigned>(d))};
  if (!day.ok() || h < 0 || h > 23 || min < 0 || min > 59 || s < 0 || s > 60)
    return false;
  size_t at = 19;
  int64_t ms = 0;
  if (!fraction(text, at, ms) || !zone(text, at, offset))
    return false;
  int64_t days = std::chrono::sys_days(day).time_since_epoch().count();
  ms_out = ((days * 24 + h) * 60 + min - offset) * 60'000 + s * 1000LL + ms;
  return true;
}

}  // namespace troupe
