#include "pipeline/template/humanize.h"

#include "pipeline/template/go_verbs.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

namespace troupe::templates {
namespace {

using prefixes = std::array<std::string_view, 8>;
constexpr prefixes large{"k", "M", "G", "T", "P", "E", "Z", "Y"};
constexpr prefixes binary{"ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"};
constexpr prefixes small{"m", "u", "n", "p", "f", "a", "z", "y"};

// %.4g
std::string four_digits(double v) {
  std::string out;
  append_float(out, v, 'g', verb_flags{.precision = 4});
  return out;
}

std::string scaled_down(double v, double base, const prefixes& names) {
  std::string_view prefix;
  for (const auto name : names) {
    if (std::fabs(v) < base)
      break;
    prefix = name;
    v /= base;
  }
  return four_digits(v).append(prefix);
}

std::string scaled_up(double v) {
  std::string_view prefix;
  for (const auto name : small) {
    if (std::fabs(v) >= 1)
      break;
    prefix = name;
    v *= 1000;
  }
  return four_digits(v).append(prefix);
}

// Go's conversion on amd64: what does not fit becomes the least integer.
int64_t truncated_integer(double v) {
  constexpr double limit = 9223372036854775808.0;
  return v < limit ? static_cast<int64_t>(v) : std::numeric_limits<int64_t>::min();
}

}  // namespace

std::string humanize(double v) {
  if (v == 0 || !std::isfinite(v))
    return four_digits(v);
  return std::fabs(v) >= 1 ? scaled_down(v, 1000, large) : scaled_up(v);
}

std::string humanize1024(double v) {
  return std::fabs(v) <= 1 || !std::isfinite(v) ? four_digits(v) : scaled_down(v, 1024, binary);
}

std::string humanize_duration(double seconds) {
  if (!std::isfinite(seconds))
    return four_digits(seconds);
  if (seconds == 0)
    return four_digits(seconds) + "s";
  if (std::fabs(seconds) < 1)
    return scaled_up(seconds) + "s";
  const std::string sign = seconds < 0 ? "-" : "";
  seconds = std::fabs(seconds);
  const int64_t whole = truncated_integer(seconds);
  const auto s = std::to_string(whole % 60) + "s";
  const auto m = std::to_string(whole / 60 % 60) + "m " + s;
  const auto h = std::to_string(whole / 3600 % 24) + "h " + m;
  if (const int64_t days = whole / 86400; days != 0)
    return sign + std::to_string(days) + "d " + h;
  if (whole / 3600 % 24 != 0)
    return sign + h;
  if (whole / 60 % 60 != 0)
    return sign + m;
  return sign + four_digits(seconds) + "s";
}

std::string humanize_percentage(double v) {
  return four_digits(v * 100) + "%";
}

}  // namespace troupe::templates
