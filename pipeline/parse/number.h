// Floats of the text formats: Go's ParseFloat without hexadecimal and underscores, and OpenMetrics'
// canonical float text. Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::parse {

enum class number_error : uint8_t { none, syntax, range };

/// The whole of `text` as a double, correctly rounded; "Inf", "+inf", "infinity" and "NaN" in any
/// case. `range` is a finite text beyond the largest double. NaN is canonical (normal_nan()).
number_error parse_float(std::string_view text, double& out);

/// The number that starts at `p` and ends before a blank, '\n' or `end`: the position after it, or
/// nullptr if there is none (then `parse_float` of the token says why).
const char* scan_float(const char* p, const char* end, double& out);

/// A bound or quantile as an `le` or `quantile` label shows it: "0.0", "1000.0", "1e+07", "+Inf".
std::string float_label(double v);
/// The value of an `le` or `quantile` label in that form; anything that is no number stays as it
/// is.
std::string normalize_float_label(std::string_view text);

namespace detail {
inline constexpr double powers_of_ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                           1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                           1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
const char* scan_float_slow(const char* p, const char* end, double& out);
inline bool ends_token(const char* p, const char* end) {
  return p == end || *p == '\n' || *p == ' ' || *p == '\t';
}
}  // namespace detail

// Up to 19 digits whose integer is below 2^53, scaled by at most 10^22: one rounding, so exact
// (Clinger 1990). All else goes the slow way.
inline const char* scan_float(const char* p, const char* end, double& out) {
  const char* q = p;
  const bool negative = q != end && *q == '-';
  q += negative;
  const char* digits = q;
  uint64_t mantissa = 0;
  while (q != end && static_cast<unsigned char>(*q - '0') < 10)
    mantissa = mantissa * 10 + static_cast<uint64_t>(*q++ - '0');
  auto count = q - digits;
  int64_t exponent = 0;
  if (q != end && *q == '.') {
    const char* fraction = ++q;
    while (q != end && static_cast<unsigned char>(*q - '0') < 10)
      mantissa = mantissa * 10 + static_cast<uint64_t>(*q++ - '0');
    exponent = fraction - q;
    count += q - fraction;
  }
  if (count == 0 || count > 19)
    return detail::scan_float_slow(p, end, out);
  if (q != end && (*q == 'e' || *q == 'E')) {
    ++q;
    const bool minus = q != end && *q == '-';
    q += minus || (q != end && *q == '+');
    const char* begin = q;
    int64_t e = 0;
    while (q != end && static_cast<unsigned char>(*q - '0') < 10 && q - begin < 4)
      e = e * 10 + (*q++ - '0');
    if (q == begin)
      return detail::scan_float_slow(p, end, out);
    exponent += minus ? -e : e;
  }
  if (!detail::ends_token(q, end) || mantissa > (1ULL << 53) || exponent < -22 || exponent > 22)
    return detail::scan_float_slow(p, end, out);
  auto v = static_cast<double>(mantissa);
  v = exponent < 0 ? v / detail::powers_of_ten[-exponent] : v * detail::powers_of_ten[exponent];
  out = negative ? -v : v;
  return q;
}

}  // namespace troupe::parse
