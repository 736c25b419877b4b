#include "pipeline/template/methods.h"

#include "pipeline/template/go_time.h"
#include "storage/base/civil_time.h"

namespace troupe::templates {
namespace {

using arguments = std::span<const value>;

constexpr int64_t ns_per_second = 1'000'000'000;

int64_t ns_of_time(const value& v) {
  return v.as<instant>().ns;
}

int64_t ns_of_duration(const value& v) {
  return v.as<span>().ns;
}

value time_of(int64_t ns) {
  return value(value::storage(instant{ns}));
}

value duration_of(int64_t ns) {
  return value(value::storage(span{ns}));
}

// Go's arithmetic wraps.
int64_t sum(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}

int64_t difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

template <auto Field>
result<value> date_field(call_context&, arguments args) {
  return value::of(int64_t{civil_time_of(unix_seconds(args[0].as<instant>())).*Field});
}

template <int64_t Unit>
result<value> unix_time(call_context&, arguments args) {
  const int64_t ns = ns_of_time(args[0]);
  return value::of(ns / Unit - (ns % Unit < 0 ? 1 : 0));
}

result<value> month(call_context&, arguments args) {
  const auto c = civil_time_of(unix_seconds(args[0].as<instant>()));
  return value::of(std::string(month_name(c.month)));
}

result<value> weekday(call_context&, arguments args) {
  const auto c = civil_time_of(unix_seconds(args[0].as<instant>()));
  return value::of(std::string(weekday_name(c.weekday)));
}

result<value> nanosecond(call_context&, arguments args) {
  const auto t = args[0].as<instant>();
  return value::of(t.ns - unix_seconds(t) * ns_per_second);
}

result<value> format(call_context& c, arguments args) {
  // No part of a layout gives more than ten times its own length.
  constexpr size_t growth = 10;
  const auto layout = args[1].text();
  TROUPE_TRY(c.work.charge(layout.size() * growth));
  return value::of(format_time(args[0].as<instant>(), layout));
}

template <int64_t Unit>
result<value> in_units(call_context&, arguments args) {
  const int64_t ns = ns_of_duration(args[0]);
  return value::of(static_cast<double>(ns / Unit) +
                   static_cast<double>(ns % Unit) / static_cast<double>(Unit));
}

template <int64_t Unit>
result<value> in_whole_units(call_context&, arguments args) {
  return value::of(ns_of_duration(args[0]) / Unit);
}

const std::vector<function>& time_methods() {
  using enum param;
  static const std::vector<function> all{
      {"Year", {time}, false, date_field<&civil_time::year>},
      {"Month", {time}, false, month},
      {"Day", {time}, false, date_field<&civil_time::day>},
      {"Hour", {time}, false, date_field<&civil_time::hour>},
      {"Minute", {time}, false, date_field<&civil_time::minute>},
      {"Second", {time}, false, date_field<&civil_time::second>},
      {"Nanosecond", {time}, false, nanosecond},
      {"Weekday", {time}, false, weekday},
      {"YearDay", {time}, false, date_field<&civil_time::day_of_year>},
      {"Unix", {time}, false, unix_time<ns_per_second>},
      {"UnixMilli", {time}, false, unix_time<1'000'000>},
      {"UnixMicro", {time}, false, unix_time<1'000>},
      {"UnixNano", {time}, false, unix_time<1>},
      {"UTC", {time}, false, [](call_context&, arguments a) -> result<value> { return a[0]; }},
      {"Format", {time, text}, false, format},
      {"String",
       {time},
       false,
       [](call_context&, arguments a) -> result<value> {
         return value::of(time_text(a[0].as<instant>()));
       }},
      {"Add",
       {time, duration},
       false,
       [](call_context&, arguments a) -> result<value> {
         return time_of(sum(ns_of_time(a[0]), ns_of_duration(a[1])));
       }},
      {"Sub",
       {time, time},
       false,
       [](call_context&, arguments a) -> result<value> {
         return duration_of(difference(ns_of_time(a[0]), ns_of_time(a[1])));
       }},
      {"Before",
       {time, time},
       false,
       [](call_context&, arguments a) -> result<value> {
         return value::of(ns_of_time(a[0]) < ns_of_time(a[1]));
       }},
      {"After",
       {time, time},
       false,
       [](call_context&, arguments a) -> result<value> {
         return value::of(ns_of_time(a[0]) > ns_of_time(a[1]));
       }},
      {"Equal",
       {time, time},
       false,
       [](call_context&, arguments a) -> result<value> {
         return value::of(ns_of_time(a[0]) == ns_of_time(a[1]));
       }},
  };
  return all;
}

const std::vector<function>& duration_methods() {
  using enum param;
  static const std::vector<function> all{
      {"Hours", {duration}, false, in_units<3600 * ns_per_second>},
      {"Minutes", {duration}, false, in_units<60 * ns_per_second>},
      {"Seconds", {duration}, false, in_units<ns_per_second>},
      {"Milliseconds", {duration}, false, in_whole_units<1'000'000>},
      {"Microseconds", {duration}, false, in_whole_units<1'000>},
      {"Nanoseconds", {duration}, false, in_whole_units<1>},
      {"String",
       {duration},
       false,
       [](call_context&, arguments a) -> result<value> {
         return value::of(duration_text(a[0].as<span>()));
       }},
      {"Truncate",
       {duration, duration},
       false,
       [](call_context&, arguments a) -> result<value> {
         const int64_t ns = ns_of_duration(a[0]), unit = ns_of_duration(a[1]);
         return duration_of(unit > 0 ? ns - ns % unit : ns);
       }},
  };
  return all;
}

}  // namespace

const function* find_method(value::type receiver, std::string_view name) {
  if (receiver != value::type::time && receiver != value::type::duration)
    return nullptr;
  for (const auto& m : receiver == value::type::time ? time_methods() : duration_methods())
    if (m.name == name)
      return &m;
  return nullptr;
}

}  // namespace troupe::templates
