#include "query/parser/lexer.h"
#include "query/parser/rune.h"

#include <cstdint>

namespace troupe::query {

bool unquote(std::string_view quoted, std::string& out) {
  out.clear();
  if (quoted.size() < 2 || quoted.front() != quoted.back())
    return false;
  const auto body = quoted.substr(1, quoted.size() - 2);
  if (quoted.front() == '`') {
    out = body;
    return body.find('`') == std::string_view::npos;
  }
  for (size_t i = 0; i < body.size(); ++i) {
    if (body[i] == quoted.front() || body[i] == '\n')
      return false;
    if (body[i] != '\\') {
      out += body[i];
      continue;
    }
    if (++i >= body.size())
      return false;
    static constexpr std::string_view letters = "abfnrtv\\'\"";
    static constexpr std::string_view values = "\a\b\f\n\r\t\v\\'\"";
    if (const auto at = letters.find(body[i]); at != std::string_view::npos) {
      out += values[at];
      continue;
    }
    const char c = body[i];
    const bool octal = c >= '0' && c <= '7';
    const size_t digits = octal ? 3 : c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    const size_t first = octal ? i : i + 1;
    if (digits == 0 || body.size() - first < digits)
      return false;
    uint64_t value = 0;
    for (size_t d = 0; d < digits; ++d) {
      const auto v = digit_value(static_cast<unsigned char>(body[first + d]));
      if (v >= (octal ? 8U : 16U))
        return false;
      value = value * (octal ? 8 : 16) + v;
    }
    i = first + digits - 1;
    if (octal || c == 'x') {
      if (value > 255)
        return false;
      out += static_cast<char>(value);
    } else {
      if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
        return false;
      out += utf8_of(static_cast<char32_t>(value));
    }
  }
  return true;
}

}  // namespace troupe::query
