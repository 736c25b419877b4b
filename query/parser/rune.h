// Characters of queries and templates: decoding, classes and how error messages show them. Pure,
// any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::query {

inline constexpr char32_t end_of_input = 0xffffffff;
inline constexpr char32_t rune_error = 0xfffd;

struct rune {
  char32_t code = end_of_input;
  uint32_t width = 0;
};

/// Go's utf8.DecodeRune: an invalid byte is U+FFFD of width 1, the end is end_of_input of width 0.
rune decode_rune(std::string_view s, size_t at);
std::string utf8_of(char32_t c);
/// Go's %q of a rune: 'x', '\n', '\''.
std::string quoted_rune(char32_t c);
/// Go's %#U: U+0022 '"'.
std::string unicode_notation(char32_t c);
/// 0 to 15, 16 for what is no hexadecimal digit.
uint32_t digit_value(char32_t c);

inline bool is_space(char32_t c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
inline bool is_digit(char32_t c) {
  return c >= '0' && c <= '9';
}
inline bool is_hex_digit(char32_t c) {
  return digit_value(c) < 16;
}
inline bool is_alpha(char32_t c) {
  return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
inline bool is_alnum(char32_t c) {
  return is_alpha(c) || is_digit(c);
}

}  // namespace troupe::query
