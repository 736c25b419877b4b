// Lower and upper case by Unicode code point, one to one, as Go's strings.ToLower and ToUpper.
#pragma once

#include <string>
#include <string_view>

namespace troupe::relabel {

/// Malformed bytes become U+FFFD.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

}  // namespace troupe::relabel
