// Go's texts of times and durations. Times are in UTC. Pure, any thread.
#pragma once

#include "pipeline/template/value.h"

#include <string>
#include <string_view>

namespace troupe::templates {

/// time.Duration's String(): "1h2m3.5s".
std::string duration_text(span d);
/// time.Time's String(): "2006-01-02 15:04:05.5 +0000 UTC".
std::string time_text(instant t);
/// time.Time's Format(): the reference time 2006-01-02T15:04:05 shows what goes where.
std::string format_time(instant t, std::string_view layout);
std::string_view month_name(int month);      ///< from 1
std::string_view weekday_name(int weekday);  ///< 0 is Sunday
/// Whole seconds since 1970-01-01, rounded down.
int64_t unix_seconds(instant t);

}  // namespace troupe::templates
