#include "pipeline/template/number.h"

#include "query/parser/lexer.h"
#include "query/parser/rune.h"
#include "storage/base/quote.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <string>

namespace troupe::templates {
namespace {

// Takes the underscores out; each must stand between digits, or behind a base's prefix.
bool without_underscores(std::string_view text, bool prefixed, std::string& out) {
  char before = prefixed ? '0' : '\0';
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (query::digit_value(static_cast<unsigned char>(before)) > 15 ||
               i + 1 == text.size() ||
               query::digit_value(static_cast<unsigned char>(text[i + 1])) > 15) {
      return false;
    }
    before = text[i];
  }
  return true;
}

// 16, 8 or 2 and without the prefix, else 10.
int base_of(std::string_view& digits) {
  if (digits.size() < 2 || digits[0] != '0')
    return 10;
  const char letter = static_cast<char>(digits[1] | 0x20);
  const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  if (base != 0)
    digits.remove_prefix(2);
  else if (query::is_digit(static_cast<unsigned char>(digits[1])) || digits[1] == '_')
    digits.remove_prefix(1);
  else
    return 10;
  return base != 0 ? base : 8;
}

bool parse_integer(std::string_view text, number_constant& out) {
  const bool has_sign = text.starts_with('-') || text.starts_with('+');
  const bool negative = text.starts_with('-');
  auto digits = text.substr(has_sign ? 1 : 0);
  const int base = base_of(digits);
  std::string plain;
  if (!without_underscores(digits, base != 10, plain) || plain.empty())
    return false;
  uint64_t magnitude = 0;
  const auto [rest, error] =
      std::from_chars(plain.data(), plain.data() + plain.size(), magnitude, base);
  if (error != std::errc() || rest != plain.data() + plain.size())
    return false;
  constexpr uint64_t top = uint64_t{1} << 63;
  if (magnitude < top || (negative && magnitude == top)) {
    out.integer = static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
    return true;
  }
  out.kind = number_constant::type::too_large;
  return !has_sign;
}

bool parse_floating(std::string_view text, number_constant& out) {
  std::string plain;
  const auto unsigned_text = text.substr(text.starts_with('-') || text.starts_with('+') ? 1 : 0);
  const bool hex = unsigned_text.starts_with("0x") || unsigned_text.starts_with("0X");
  if (!without_underscores(text, false, plain) || (hex && plain.find_first_of("pP") == plain.npos))
    return false;
  char* rest = nullptr;
  out.kind = number_constant::type::floating;
  out.floating = std::strtod(plain.c_str(), &rest);
  return rest == plain.c_str() + plain.size() && !plain.empty() && std::isfinite(out.floating);
}

}  // namespace

result<number_constant> parse_constant(std::string_view text) {
  number_constant n;
  if (text.ends_with('i'))
    return {errc::unsupported, "complex numbers are not supported: " + quoted(text)};
  if (parse_integer(text, n))
    return n;
  if (parse_floating(text, n)) {
    if (text.find_first_of(".eEpP") == std::string_view::npos)
      return {errc::invalid_argument, "integer overflow: " + quoted(text)};
    return n;
  }
  return {errc::invalid_argument, "illegal number syntax: " + quoted(text)};
}

result<number_constant> parse_character(std::string_view text) {
  std::string bytes;
  if (!query::unquote(text, bytes) || bytes.empty())
    return {errc::invalid_argument, "invalid syntax"};
  const auto r = query::decode_rune(bytes, 0);
  if (r.width != bytes.size())
    return {errc::invalid_argument, "malformed character constant: " + std::string(text)};
  number_constant n;
  n.integer = static_cast<int64_t>(
      r.code == query::rune_error && r.width == 1 ? static_cast<unsigned char>(bytes[0]) : r.code);
  return n;
}

}  // namespace troupe::templates
