// Go's string quoting (strconv.Quote), as Prometheus prints label values and strings, and that of
// the text formats. Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// Appends `text` in double quotes; what is not printable becomes \n, \x00, \u200b and so on.
void append_quoted(std::string& out, std::string_view text);
std::string quoted(std::string_view text);
/// As the text formats of metrics have names and label values: with \\, \" and \n.
void append_escaped(std::string& out, std::string_view text);
/// As they have HELP texts: with \\ and \n alone.
void append_escaped_help(std::string& out, std::string_view text);
/// Decodes the UTF-8 code point at the start of `text` (not empty); its length in bytes, or 0 if
/// malformed.
size_t decode_utf8(std::string_view text, uint32_t& code_point);
bool is_valid_utf8(std::string_view text);

}  // namespace troupe
