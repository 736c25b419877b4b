// Scalars of YAML 1.1: booleans, integers with base prefixes and underscores, floats.
#include "config/text.h"
#include "config/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace troupe::config {
namespace {

// Digits of base 2, 8, 10 or 16 with underscores; false if there is anything else or too much.
bool parse_magnitude(std::string_view text, uint64_t& out) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return c != '_'; });
  std::string_view d = digits;
  int base = 10;
  if (d.size() > 1 && d[0] == '0') {
    const char kind = d[1];
    base = kind == 'x' || kind == 'X' ? 16 : kind == 'b' || kind == 'B' ? 2 : 8;
    d.remove_prefix(base != 8 || kind == 'o' || kind == 'O' ? 2 : 1);
  }
  const auto r = std::from_chars(d.data(), d.data() + d.size(), out, base);
  return r.ec == std::errc() && r.ptr == d.data() + d.size() && !d.empty();
}

// "1e3" and "5.0" are integers, too.
bool parse_integral_float(std::string_view text, double& out) {
  return parse_yaml_number(text, out) && std::trunc(out) == out;
}

}  // namespace

bool parse_yaml_bool(std::string_view text, bool& out) {
  struct word {
    std::string_view lower, capital, upper;
    bool value;
  };
  static constexpr word words[] = {
      {"true", "True", "TRUE", true}, {"false", "False", "FALSE", false},
      {"yes", "Yes", "YES", true},    {"no", "No", "NO", false},
      {"on", "On", "ON", true},       {"off", "Off", "OFF", false},
      {"y", "Y", "Y", true},          {"n", "N", "N", false}};
  for (const auto& w : words) {
    if (text != w.lower && text != w.capital && text != w.upper)
      continue;
    out = w.value;
    return true;
  }
  return false;
}

bool parse_yaml_count(std::string_view text, uint64_t& out) {
  if (!text.empty() && text.front() == '+')
    text.remove_prefix(1);
  if (parse_magnitude(text, out))
    return true;
  double d = 0;
  if (!parse_integral_float(text, d) || d < 0 || d >= 1.8e19)
    return false;
  out = static_cast<uint64_t>(d);
  return true;
}

bool parse_yaml_int(std::string_view text, int64_t& out) {
  const bool negative = !text.empty() && text.front() == '-';
  uint64_t n = 0;
  if (!parse_yaml_count(negative ? text.substr(1) : text, n))
    return false;
  if (n > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return false;
  out = negative ? -static_cast<int64_t>(n) : static_cast<int64_t>(n);
  return true;
}

bool parse_yaml_number(std::string_view text, double& out) {
  if (!text.empty() && text.front() == '+')
    text.remove_prefix(1);
  const auto t = lower(text);
  if (t == ".inf" || t == "-.inf") {
    out = t.front() == '-' ? -std::numeric_limits<double>::infinity()
                           : std::numeric_limits<double>::infinity();
    return true;
  }
  if (t == ".nan") {
    out = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  if (t.empty() || t.find_first_of("in") != std::string::npos)
    return false;
  const auto r = std::from_chars(text.data(), text.data() + text.size(), out);
  return r.ec == std::errc() && r.ptr == text.data() + text.size();
}

}  // namespace troupe::config
