// The proleptic Gregorian calendar in UTC, and times as text. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

struct civil_time {
  int64_t year = 1970;
  int month = 1, day = 1;  ///< from 1
  int hour = 0, minute = 0, second = 0;
  int weekday = 4;      ///< 0 is Sunday
  int day_of_year = 1;  ///< from 1
};

/// Of seconds since 1970-01-01; any value.
civil_time civil_time_of(int64_t unix_seconds);
/// Midnight of a day, counted from 1970-01-01.
civil_time civil_date_of(int64_t days);
int days_in_month(const civil_time& t);

/// "2006-01-02T15:04:05.000Z" of milliseconds since 1970-01-01.
std::string format_rfc3339(int64_t ms);
/// "2006-01-02T15:04:05Z" of seconds.
std::string format_rfc3339_seconds(int64_t unix_seconds);
/// A date and time of RFC 3339 with a zone, digits below a millisecond cut off; false if it is
/// none.
bool parse_rfc3339(std::string_view text, int64_t& ms_out);

}  // namespace troupe
