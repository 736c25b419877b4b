// Unicode: lower and upper case by code point, one to one, as Go's strings.ToLower and ToUpper;
// what is a letter.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::relabel {

/// Malformed bytes become U+FFFD.
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);
/// A letter or digit of any script.
bool is_letter_or_digit(uint32_t code_point);

}  // namespace troupe::relabel
