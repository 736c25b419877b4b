#include "query/parser/number_text.h"

#include "storage/base/quote.h"
#include "storage/model/sample.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>

namespace troupe::query {
namespace {

// value = ±0.digits × 10^point
struct decimal {
  bool negative = false;
  char digits[24];
  int count = 0;
  int point = 0;
};

decimal shortest_decimal(double value) {
  char buffer[40];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific).ptr;
  decimal d;
  const char* p = buffer;
  if (*p == '-') {
    d.negative = true;
    ++p;
  }
  for (; p != end && *p != 'e'; ++p)
    if (*p != '.')
      d.digits[d.count++] = *p;
  int exponent = 0;
  if (p != end)
    std::from_chars(p[1] == '+' ? p + 2 : p + 1, end, exponent);
  while (d.count > 1 && d.digits[d.count - 1] == '0')
    --d.count;
  d.point = exponent + 1;
  return d;
}

bool append_special(std::string& out, double value) {
  if (std::isnan(value))
    out += "NaN";
  else if (std::isinf(value))
    out += value > 0 ? "+Inf" : "-Inf";
  else
    return false;
  return true;
}

void append_plain(std::string& out, const decimal& d) {
  if (d.negative)
    out += '-';
  if (d.point <= 0) {
    out += "0";
    if (d.count == 1 && d.digits[0] == '0')
      return;
    out += '.';
    out.append(static_cast<size_t>(-d.point), '0');
    out.append(d.digits, static_cast<size_t>(d.count));
  } else if (d.point >= d.count) {
    out.append(d.digits, static_cast<size_t>(d.count));
    out.append(static_cast<size_t>(d.point - d.count), '0');
  } else {
    out.append(d.digits, static_cast<size_t>(d.point));
    out += '.';
    out.append(d.digits + d.point, static_cast<size_t>(d.count - d.point));
  }
}

// With an exponent if that is below `least` or above 20.
void append_limited(std::string& out, double value, int least) {
  if (append_special(out, value))
    return;
  const auto d = shortest_decimal(value);
  const int exponent = d.point - 1;
  if (value == 0 || (exponent >= least && exponent < 21))
    return append_plain(out, d);
  if (d.negative)
    out += '-';
  out += d.digits[0];
  if (d.count > 1) {
    out += '.';
    out.append(d.digits + 1, static_cast<size_t>(d.count - 1));
  }
  out += exponent < 0 ? "e-" : "e+";
  const int size = std::abs(exponent);
  if (size < 10)
    out += '0';
  out += std::to_string(size);
}

bool iequals(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size())
    return false;
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] | 0x20) != lower[i])
      return false;
  return true;
}

status failed(std::string_view text, const char* why) {
  return {errc::invalid_argument, "strconv.ParseFloat: parsing " + quoted(text) + ": " + why};
}

bool is_hex_digit(char c) {
  return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

// Takes out the underscores; each must stand between digits (a base prefix counts as one).
bool without_underscores(std::string_view text, bool hex, std::string& out) {
  char before = hex ? '0' : '\0';
  for (size_t i = 0; i < text.size(); ++i) {
    const auto digit = [&](char c) { return hex ? is_hex_digit(c) : c >= '0' && c <= '9'; };
    if (text[i] == '_') {
      if (!digit(before) || i + 1 >= text.size() || !digit(text[i + 1]))
        return false;
    } else {
      out += text[i];
    }
    before = text[i];
  }
  return true;
}

}  // namespace

void append_fixed(std::string& out, double value) {
  if (!append_special(out, value))
    append_plain(out, shortest_decimal(value));
}

void append_shortest(std::string& out, double value) {
  append_limited(out, value, -4);
}

void append_sample(std::string& out, double value) {
  append_limited(out, value, -6);
}

std::string fixed(double value) {
  std::string s;
  append_fixed(s, value);
  return s;
}

std::string shortest(double value) {
  std::string s;
  append_shortest(s, value);
  return s;
}

result<double> parse_number(std::string_view text) {
  const auto whole = text;
  double sign = 1;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    sign = text[0] == '-' ? -1 : 1;
    text.remove_prefix(1);
  }
  if (iequals(text, "inf") || iequals(text, "infinity"))
    return sign * std::numeric_limits<double>::infinity();
  if (iequals(text, "nan"))
    return normal_nan();
  const bool hex = text.size() > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
  std::string digits;
  if (!without_underscores(hex ? text.substr(2) : text, hex, digits) || digits.empty())
    return failed(whole, "invalid syntax");
  const char* begin = digits.data();
  const char* end = begin + digits.size();
  const bool octal = !hex && digits.size() > 1 && digits[0] == '0';
  if (hex || octal) {
    int64_t n = 0;
    const auto r = std::from_chars(begin, end, n, hex ? 16 : 8);
    if (r.ec == std::errc() && r.ptr == end && *begin != '-')
      return sign * static_cast<double>(n);
    if (hex)
      return failed(whole, "invalid syntax");
  }
  if (*begin == '-' || *begin == '+' ||
      (digits.find_first_not_of("0123456789.eE+-") != std::string::npos))
    return failed(whole, "invalid syntax");
  double value = 0;
  const auto r = std::from_chars(begin, end, value);
  if (r.ec == std::errc::result_out_of_range) {
    // Too large is an error, too small is 0 or a subnormal.
    value = std::strtod(digits.c_str(), nullptr);
    if (std::isinf(value))
      return failed(whole, "value out of range");
    return sign * value;
  }
  if (r.ec != std::errc() || r.ptr != end)
    return failed(whole, "invalid syntax");
  return sign * value;
}

}  // namespace troupe::query
