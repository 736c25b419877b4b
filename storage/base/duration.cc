#include "storage/base/duration.h"

#include "storage/base/quote.h"

#include <algorithm>
#include <array>

namespace troupe {
namespace {

struct unit {
  std::string_view name;
  int64_t ms;
  bool exact;  ///< printed only if nothing is left over
};
constexpr int64_t second_ms = 1000, hour_ms = 3600 * second_ms, day_ms = 24 * hour_ms;
constexpr std::array<unit, 7> units{{{"y", 365 * day_ms, true},
                                     {"w", 7 * day_ms, true},
                                     {"d", day_ms, false},
                                     {"h", hour_ms, false},
                                     {"m", 60 * second_ms, false},
                                     {"s", second_ms, false},
                                     {"ms", 1, false}}};
// Go's time.Duration counts nanoseconds in 64 bits; Prometheus refuses what does not fit.
constexpr int64_t max_ms = INT64_MAX / 1'000'000;

status bad(std::string_view text) {
  return {errc::invalid_argument, "not a valid duration string: " + quoted(text)};
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

result<int64_t> parse_duration(std::string_view text) {
  if (text.empty())
    return {errc::invalid_argument, "empty duration string"};
  if (text == "0")
    return int64_t{0};
  int64_t total = 0;
  size_t next_unit = 0;
  size_t i = 0;
  while (i < text.size()) {
    const size_t digits = i;
    uint64_t n = 0;
    bool overflow = false;
    for (; i < text.size() && is_digit(text[i]); ++i)
      overflow = overflow || __builtin_mul_overflow(n, uint64_t{10}, &n) ||
                 __builtin_add_overflow(n, static_cast<uint64_t>(text[i] - '0'), &n);
    const size_t letters = i;
    while (i < text.size() && !is_digit(text[i]))
      ++i;
    if (letters == digits || letters == i || overflow)
      return bad(text);
    const auto name = text.substr(letters, i - letters);
    const auto u = static_cast<size_t>(
        std::find_if(units.begin(), units.end(), [&](const unit& x) { return x.name == name; }) -
        units.begin());
    if (u == units.size())
      return {errc::invalid_argument,
              "unknown unit " + quoted(name) + " in duration " + quoted(text)};
    if (u < next_unit)
      return bad(text);
    next_unit = u + 1;
    int64_t ms = 0;
    if (__builtin_mul_overflow(n, units[u].ms, &ms) || __builtin_add_overflow(total, ms, &total) ||
        total > max_ms)
      return {errc::invalid_argument, "duration out of range"};
  }
  return total;
}

std::string format_duration(int64_t ms) {
  if (ms == 0)
    return "0s";
  std::string out;
  uint64_t rest = static_cast<uint64_t>(ms);
  if (ms < 0) {
    out = "-";
    rest = 0 - rest;
  }
  for (const auto& u : units) {
    const auto size = static_cast<uint64_t>(u.ms);
    if (u.exact && rest % size != 0)
      continue;
    if (const auto n = rest / size; n > 0) {
      out += std::to_string(n);
      out += u.name;
      rest -= n * size;
    }
  }
  return out;
}

}  // namespace troupe
