#include "pipeline/template/go_verbs.h"

#include "query/engine/annotations.h"
#include "query/parser/rune.h"
#include "storage/base/quote.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace troupe::templates {
namespace {

constexpr int shortest = -1;

size_t count_runes(std::string_view text) {
  size_t n = 0;
  for (size_t at = 0; at < text.size(); ++n)
    at += query::decode_rune(text, at).width;
  return n;
}

void append_fill(std::string& out, const verb_flags& f, size_t used) {
  const auto width = static_cast<size_t>(f.width);
  if (f.width > 0 && width > used)
    out.append(width - used, f.zero && !f.minus ? '0' : ' ');
}

verb_flags without_zeros(verb_flags f) {
  f.zero = false;
  return f;
}

std::string print_c(const char* format, int precision, double v) {
  const int size = std::snprintf(nullptr, 0, format, precision, v);
  std::string s(static_cast<size_t>(size), '\0');
  std::snprintf(s.data(), s.size() + 1, format, precision, v);
  return s;
}

// Go writes at least two digits of an exponent; C of %a at least one.
void widen_exponent(std::string& s) {
  const auto at = s.find_first_of("pP");
  if (at != std::string::npos && s.size() - at == 3)
    s.insert(at + 2, 1, '0');
}

// The exponent of two: 4503599627370496p-52.
std::string binary_exponent(double v) {
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(v), &exponent);
  auto mantissa = static_cast<int64_t>(std::ldexp(fraction, 53));
  exponent -= 53;
  constexpr int least = -1074;
  if (v == 0 || exponent < least) {
    mantissa = static_cast<int64_t>(std::ldexp(std::fabs(v), -least));
    exponent = least;
  }
  return std::to_string(mantissa) + "p" + (exponent < 0 ? "" : "+") + std::to_string(exponent);
}

std::string shortest_text(double v, std::chars_format form) {
  char buffer[400];
  return {buffer, std::to_chars(buffer, buffer + sizeof buffer, v, form).ptr};
}

// |v| without sign, as strconv.FormatFloat and fmt's '#' give it.
std::string magnitude_text(double v, char verb, int precision, bool sharp) {
  std::string s;
  switch (verb) {
    case 'b':
      return binary_exponent(v);
    case 'x':
    case 'X':
      s = precision == shortest ? shortest_text(v, std::chars_format::hex)
                                : print_c("%.*a", precision, v).substr(2);
      s.insert(0, "0x");
      widen_exponent(s);
      break;
    case 'g':
    case 'G':
      if (sharp)
        s = print_c("%#.*g", precision == shortest ? 6 : precision, v);
      else
        s = precision == shortest ? query::format_go_g(v) : print_c("%.*g", precision, v);
      break;
    case 'e':
    case 'E':
      s = precision == shortest ? shortest_text(v, std::chars_format::scientific)
                                : print_c(sharp ? "%#.*e" : "%.*e", precision, v);
      break;
    default:
      s = precision == shortest ? shortest_text(v, std::chars_format::fixed)
                                : print_c(sharp ? "%#.*f" : "%.*f", precision, v);
  }
  if (verb == 'X' || verb == 'E' || verb == 'G')
    for (char& c : s)
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return s;
}

// Go's QuoteToASCII of a text that Quote has already treated.
std::string ascii_only(std::string_view quoted) {
  std::string out;
  for (size_t at = 0; at < quoted.size();) {
    const auto r = query::decode_rune(quoted, at);
    at += r.width;
    if (r.code < 0x80) {
      out += static_cast<char>(r.code);
      continue;
    }
    char buffer[16];
    std::snprintf(buffer, sizeof buffer, r.code < 0x10000 ? "\\u%04x" : "\\U%08x",
                  static_cast<unsigned>(r.code));
    out += buffer;
  }
  return out;
}

bool can_backquote(std::string_view text) {
  for (size_t at = 0; at < text.size();) {
    const auto r = query::decode_rune(text, at);
    if ((r.width == 1 && r.code == query::rune_error) || r.code == 0xfeff)
      return false;
    if ((r.code < ' ' && r.code != '\t') || r.code == '`' || r.code == 0x7f)
      return false;
    at += r.width;
  }
  return true;
}

}  // namespace

void append_padded(std::string& out, std::string_view text, const verb_flags& f) {
  const size_t used = f.width > 0 ? count_runes(text) : 0;
  if (!f.minus)
    append_fill(out, f, used);
  out += text;
  if (f.minus)
    append_fill(out, f, used);
}

void append_integer(std::string& out, bool negative, uint64_t magnitude, char verb,
                    const verb_flags& f) {
  int precision = f.precision;
  if (precision == 0 && magnitude == 0)
    return append_fill(out, without_zeros(f), 0);
  if (precision < 0 && f.zero && !f.minus && f.width > 0)
    precision = f.width - (negative || f.plus || f.space ? 1 : 0);
  const int base = verb == 'b' ? 2 : verb == 'o' || verb == 'O' ? 8 : verb == 'd' ? 10 : 16;
  char buffer[72];
  std::string digits(buffer, std::to_chars(buffer, buffer + sizeof buffer, magnitude, base).ptr);
  if (precision > 0 && digits.size() < static_cast<size_t>(precision))
    digits.insert(0, static_cast<size_t>(precision) - digits.size(), '0');
  if (verb == 'X')
    for (char& c : digits)
      c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (f.sharp && base == 2)
    digits.insert(0, "0b");
  else if (f.sharp && base == 8 && digits[0] != '0')
    digits.insert(0, "0");
  else if (f.sharp && base == 16)
    digits.insert(0, verb == 'x' ? "0x" : "0X");
  if (verb == 'O')
    digits.insert(0, "0o");
  if (negative)
    digits.insert(0, "-");
  else if (f.plus)
    digits.insert(0, "+");
  else if (f.space)
    digits.insert(0, " ");
  append_padded(out, digits, without_zeros(f));
}

void append_float(std::string& out, double v, char verb, const verb_flags& f) {
  char sign = std::signbit(v) && !std::isnan(v) ? '-' : '+';
  if (f.space && sign == '+' && !f.plus)
    sign = ' ';
  if (std::isnan(v) || std::isinf(v)) {
    std::string s = std::isnan(v) ? "NaN" : "Inf";
    if (!std::isnan(v) || f.space || f.plus)
      s.insert(s.begin(), sign);
    return append_padded(out, s, without_zeros(f));
  }
  int precision = f.precision;
  const bool has_default = verb == 'e' || verb == 'E' || verb == 'f' || verb == 'F';
  if (precision < 0)
    precision = has_default ? 6 : shortest;
  const auto digits = magnitude_text(std::fabs(v), verb, precision, f.sharp);
  if (!f.plus && sign == '+')
    return append_padded(out, digits, f);
  if (f.zero && !f.minus && f.width > static_cast<int>(digits.size()) + 1) {
    out += sign;
    append_fill(out, f, digits.size() + 1);
    out += digits;
    return;
  }
  append_padded(out, sign + digits, f);
}

void append_quoted_text(std::string& out, std::string_view text, const verb_flags& f) {
  text = truncated(text, f);
  if (f.sharp && can_backquote(text))
    return append_padded(out, "`" + std::string(text) + "`", f);
  const auto q = quoted(text);
  append_padded(out, f.plus ? ascii_only(q) : q, f);
}

void append_hex_text(std::string& out, std::string_view text, char verb, const verb_flags& f) {
  const char* digits = verb == 'x' ? "0123456789abcdef" : "0123456789ABCDEF";
  if (f.precision >= 0)
    text = text.substr(0, static_cast<size_t>(f.precision));
  std::string s;
  const std::string_view prefix = verb == 'x' ? "0x" : "0X";
  for (size_t i = 0; i < text.size(); ++i) {
    if (f.space && i > 0)
      s += ' ';
    if (f.sharp && (f.space || i == 0))
      s += prefix;
    const auto byte = static_cast<unsigned char>(text[i]);
    s += digits[byte >> 4];
    s += digits[byte & 15];
  }
  append_padded(out, s, f);
}

void append_rune(std::string& out, uint64_t code, char verb, const verb_flags& f) {
  if (verb == 'U') {
    char buffer[40];
    const int precision = f.precision > 4 ? std::min(f.precision, 30) : 4;
    std::snprintf(buffer, sizeof buffer, "U+%0*llX", precision,
                  static_cast<unsigned long long>(code));
    std::string s = buffer;
    const auto notation =
        code <= 0x10ffff ? query::unicode_notation(static_cast<char32_t>(code)) : std::string();
    if (const auto quote = notation.find(' '); f.sharp && quote != std::string::npos)
      s += notation.substr(quote);
    return append_padded(out, s, without_zeros(f));
  }
  const bool valid = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  const auto c = valid ? static_cast<char32_t>(code) : query::rune_error;
  if (verb == 'c')
    return append_padded(out, query::utf8_of(c), f);
  const auto q = query::quoted_rune(c);
  append_padded(out, f.plus ? ascii_only(q) : q, f);
}

std::string_view truncated(std::string_view text, const verb_flags& f) {
  if (f.precision < 0)
    return text;
  size_t at = 0;
  for (int n = 0; n < f.precision && at < text.size(); ++n)
    at += query::decode_rune(text, at).width;
  return text.substr(0, at);
}

}  // namespace troupe::templates
