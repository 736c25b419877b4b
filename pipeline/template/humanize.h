// Numbers for people, as Prometheus' templates write them. Pure, any thread.
#pragma once

#include <string>

namespace troupe::templates {

/// "1.235k", "12m": four digits and a metric prefix.
std::string humanize(double v);
/// "1.5Ki" without the 'B': powers of 1024.
std::string humanize1024(double v);
/// "1d 2h 3m 4s" of seconds, "12ms" below one.
std::string humanize_duration(double seconds);
/// "12.5%" of 0.125.
std::string humanize_percentage(double v);

}  // namespace troupe::templates
