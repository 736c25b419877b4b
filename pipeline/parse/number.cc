#include "pipeline/parse/number.h"

#include "storage/model/sample.h"

#include <fast_float/fast_float.h>

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace troupe::parse {
namespace {

bool equals_fold(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size())
    return false;
  for (size_t i = 0; i < text.size(); ++i)
    if ((text[i] | 0x20) != lower[i])
      return false;
  return true;
}

// Only these may be handed to fast_float: it also takes "nan(...)" and the like.
bool is_decimal_text(std::string_view t) {
  for (const char c : t)
    if (!((c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-'))
      return false;
  return !t.empty();
}

}  // namespace

number_error parse_float(std::string_view text, double& out) {
  std::string_view t = text;
  const bool negative = t.starts_with('-');
  const bool has_sign = negative || t.starts_with('+');
  if (has_sign)
    t.remove_prefix(1);
  if (equals_fold(t, "inf") || equals_fold(t, "infinity")) {
    out = negative ? -HUGE_VAL : HUGE_VAL;
    return number_error::none;
  }
  if (!has_sign && equals_fold(t, "nan")) {
    out = normal_nan();
    return number_error::none;
  }
  if (!is_decimal_text(t) || t[0] == '+' || t[0] == '-')
    return number_error::syntax;
  const auto r = fast_float::from_chars(t.data(), t.data() + t.size(), out);
  if (r.ptr != t.data() + t.size() || r.ec == std::errc::invalid_argument)
    return number_error::syntax;
  if (std::isinf(out))
    return number_error::range;
  if (negative)
    out = -out;
  return number_error::none;
}

namespace detail {

const char* scan_float_slow(const char* p, const char* end, double& out) {
  const char* q = p;
  while (!ends_token(q, end))
    ++q;
  const std::string_view token(p, static_cast<size_t>(q - p));
  return parse_float(token, out) == number_error::none ? q : nullptr;
}

}  // namespace detail

// Go's strconv.FormatFloat(v, 'g', -1, 64): the shortest digits, exponent form below 1e-04 and from
// 1e+06 on.
std::string float_label(double v) {
  if (std::isnan(v))
    return "NaN";
  if (std::isinf(v))
    return v > 0 ? "+Inf" : "-Inf";
  if (v == 0)
    return "0.0";
  char buf[32];
  const double magnitude = std::fabs(v);
  const auto form = magnitude < 1e-4 || magnitude >= 1e6 ? std::chars_format::scientific
                                                         : std::chars_format::fixed;
  const auto r = std::to_chars(buf, buf + sizeof buf, v, form);
  std::string out(buf, r.ptr);
  if (out.find_first_of(".e") == std::string::npos)
    out += ".0";
  return out;
}

std::string normalize_float_label(std::string_view text) {
  double v = 0;
  return parse_float(text, v) == number_error::none ? float_label(v) : std::string(text);
}

}  // namespace troupe::parse
