#include "query/parser/rune.h"

#include "storage/base/quote.h"

namespace troupe::query {

rune decode_rune(std::string_view s, size_t at) {
  if (at >= s.size())
    return {};
  const auto byte = [&](size_t i) {
    return i < s.size() ? static_cast<unsigned char>(s[i]) : uint8_t{0};
  };
  const uint32_t b0 = byte(at);
  if (b0 < 0x80)
    return {b0, 1};
  uint32_t width = 0;
  if (b0 >= 0xc2 && b0 <= 0xdf)
    width = 2;
  else if (b0 >= 0xe0 && b0 <= 0xef)
    width = 3;
  else if (b0 >= 0xf0 && b0 <= 0xf4)
    width = 4;
  if (width == 0 || !is_valid_utf8(s.substr(at, width)) || s.size() - at < width)
    return {rune_error, 1};
  char32_t code = b0 & (0x7fU >> width);
  for (uint32_t i = 1; i < width; ++i)
    code = (code << 6) | (byte(at + i) & 0x3fU);
  return {code, width};
}

std::string utf8_of(char32_t c) {
  std::string s;
  if (c < 0x80) {
    s += static_cast<char>(c);
  } else if (c < 0x800) {
    s += static_cast<char>(0xc0 | (c >> 6));
    s += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    s += static_cast<char>(0xe0 | (c >> 12));
    s += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    s += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    s += static_cast<char>(0xf0 | (c >> 18));
    s += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    s += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    s += static_cast<char>(0x80 | (c & 0x3f));
  }
  return s;
}

std::string quoted_rune(char32_t c) {
  if (c == end_of_input)
    c = rune_error;
  if (c == '\'')
    return "'\\''";
  if (c == '"')
    return "'\"'";
  auto s = quoted(utf8_of(c));
  s.front() = s.back() = '\'';
  return s;
}

std::string unicode_notation(char32_t c) {
  static constexpr char digits[] = "0123456789ABCDEF";
  if (c == end_of_input)
    return "U+FFFFFFFFFFFFFFFF";
  std::string hex;
  for (auto rest = c; rest > 0; rest >>= 4)
    hex.insert(hex.begin(), digits[rest & 15]);
  while (hex.size() < 4)
    hex.insert(hex.begin(), '0');
  auto out = "U+" + hex;
  const auto text = utf8_of(c);
  if (quoted(text).size() == text.size() + 2 || c == '"' || c == '\\')
    out += " '" + text + "'";
  return out;
}

uint32_t digit_value(char32_t c) {
  if (is_digit(c))
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return 16;
}

}  // namespace troupe::query
