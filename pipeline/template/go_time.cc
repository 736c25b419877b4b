#include "pipeline/template/go_time.h"

#include "storage/base/civil_time.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace troupe::templates {
namespace {

constexpr int64_t ns_per_second = 1'000'000'000;

int64_t nanoseconds(instant t) {
  return t.ns - unix_seconds(t) * ns_per_second;
}

// ".5" of 500,000,000 ns; "" of 0.
std::string fraction_text(uint64_t n, int digits) {
  auto s = fmt::format(".{:0{}}", n, digits);
  s.erase(s.find_last_not_of('0') + 1);
  return s == "." ? std::string() : s;
}

int hour12(const civil_time& c) {
  return c.hour % 12 == 0 ? 12 : c.hour % 12;
}

// What a part of a layout stands for; a longer text comes before its own beginning.
struct layout_part {
  std::string_view text;
  std::string (*print)(const civil_time& c);
  bool ends_word = false;  ///< no lower-case letter may follow
};

template <int Width, auto Field>
std::string padded(const civil_time& c) {
  return fmt::format("{:0{}}", c.*Field, Width);
}

const auto& layout_parts() {
  using c = const civil_time&;
  static const std::array parts{
      layout_part{"January", [](c t) { return std::string(month_name(t.month)); }},
      layout_part{"Jan", [](c t) { return std::string(month_name(t.month).substr(0, 3)); }, true},
      layout_part{"Monday", [](c t) { return std::string(weekday_name(t.weekday)); }},
      layout_part{"Mon", [](c t) { return std::string(weekday_name(t.weekday).substr(0, 3)); },
                  true},
      layout_part{"MST", [](c) { return std::string("UTC"); }},
      layout_part{"01", padded<2, &civil_time::month>},
      layout_part{"02", padded<2, &civil_time::day>},
      layout_part{"03", [](c t) { return fmt::format("{:02}", hour12(t)); }},
      layout_part{"04", padded<2, &civil_time::minute>},
      layout_part{"05", padded<2, &civil_time::second>},
      layout_part{"06", [](c t) { return fmt::format("{:02}", std::abs(t.year) % 100); }},
      layout_part{"002", padded<3, &civil_time::day_of_year>},
      layout_part{"15", padded<2, &civil_time::hour>},
      layout_part{"1", padded<1, &civil_time::month>},
      layout_part{"2006", padded<4, &civil_time::year>},
      layout_part{"2", padded<1, &civil_time::day>},
      layout_part{"_2006", [](c t) { return fmt::format("_{:04}", t.year); }},
      layout_part{"_2", [](c t) { return fmt::format("{:2}", t.day); }},
      layout_part{"__2", [](c t) { return fmt::format("{:3}", t.day_of_year); }},
      layout_part{"3", [](c t) { return std::to_string(hour12(t)); }},
      layout_part{"4", padded<1, &civil_time::minute>},
      layout_part{"5", padded<1, &civil_time::second>},
      layout_part{"PM", [](c t) { return std::string(t.hour >= 12 ? "PM" : "AM"); }},
      layout_part{"pm", [](c t) { return std::string(t.hour >= 12 ? "pm" : "am"); }},
      layout_part{"-070000", [](c) { return std::string("+000000"); }},
      layout_part{"-07:00:00", [](c) { return std::string("+00:00:00"); }},
      layout_part{"-0700", [](c) { return std::string("+0000"); }},
      layout_part{"-07:00", [](c) { return std::string("+00:00"); }},
      layout_part{"-07", [](c) { return std::string("+00"); }},
      layout_part{"Z070000", [](c) { return std::string("Z"); }},
      layout_part{"Z07:00:00", [](c) { return std::string("Z"); }},
      layout_part{"Z0700", [](c) { return std::string("Z"); }},
      layout_part{"Z07:00", [](c) { return std::string("Z"); }},
      layout_part{"Z07", [](c) { return std::string("Z"); }},
  };
  return parts;
}

const layout_part* part_at(std::string_view layout) {
  for (const auto& p : layout_parts()) {
    if (!layout.starts_with(p.text))
      continue;
    const auto next = layout.size() > p.text.size() ? layout[p.text.size()] : '\0';
    if (!p.ends_word || next < 'a' || next > 'z')
      return &p;
  }
  return nullptr;
}

// How long ".000", ",000" or ".999" is at the start of `layout`; 0: there is none.
size_t fraction_size(std::string_view layout) {
  if (layout.size() < 2 || (layout[0] != '.' && layout[0] != ',') ||
      (layout[1] != '0' && layout[1] != '9'))
    return 0;
  const auto end = std::min(layout.find_first_not_of(layout[1], 1), layout.size());
  const bool digit_follows = end < layout.size() && layout[end] >= '0' && layout[end] <= '9';
  return digit_follows ? 0 : end;
}

void append_fraction(std::string& out, std::string_view part, int64_t ns) {
  auto digits = fmt::format("{:09}", ns).substr(0, std::min<size_t>(part.size() - 1, 9));
  if (part[1] == '9')
    digits.erase(digits.find_last_not_of('0') + 1);
  if (!digits.empty())
    (out += part[0]) += digits;
}

}  // namespace

std::string duration_text(span d) {
  if (d.ns == 0)
    return "0s";
  const bool negative = d.ns < 0;
  const uint64_t ns = negative ? 0 - static_cast<uint64_t>(d.ns) : static_cast<uint64_t>(d.ns);
  std::string out = negative ? "-" : "";
  if (ns < 1000)
    return out + std::to_string(ns) + "ns";
  if (ns < 1'000'000)
    return out + std::to_string(ns / 1000) + fraction_text(ns % 1000, 3) + "µs";
  if (ns < ns_per_second)
    return out + std::to_string(ns / 1'000'000) + fraction_text(ns % 1'000'000, 6) + "ms";
  const uint64_t seconds = ns / ns_per_second;
  if (seconds >= 3600)
    out += std::to_string(seconds / 3600) + "h";
  if (seconds >= 60)
    out += std::to_string(seconds / 60 % 60) + "m";
  return out + std::to_string(seconds % 60) + fraction_text(ns % ns_per_second, 9) + "s";
}

std::string time_text(instant t) {
  return format_time(t, "2006-01-02 15:04:05.999999999 -0700 MST");
}

std::string format_time(instant t, std::string_view layout) {
  const auto c = civil_time_of(unix_seconds(t));
  std::string out;
  while (!layout.empty()) {
    size_t used = 1;
    if (const auto* part = part_at(layout)) {
      used = part->text.size();
      out += part->print(c);
    } else if (const size_t size = fraction_size(layout); size > 0) {
      used = size;
      append_fraction(out, layout.substr(0, size), nanoseconds(t));
    } else {
      out += layout[0];
    }
    layout.remove_prefix(used);
  }
  return out;
}

std::string_view month_name(int month) {
  constexpr std::array<std::string_view, 12> names{"January",   "February", "March",    "April",
                                                   "May",       "June",     "July",     "August",
                                                   "September", "October",  "November", "December"};
  return names[static_cast<size_t>(month - 1)];
}

std::string_view weekday_name(int weekday) {
  constexpr std::array<std::string_view, 7> names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                  "Thursday", "Friday", "Saturday"};
  return names[static_cast<size_t>(weekday)];
}

int64_t unix_seconds(instant t) {
  return t.ns / ns_per_second - (t.ns % ns_per_second < 0 ? 1 : 0);
}

}  // namespace troupe::templates
