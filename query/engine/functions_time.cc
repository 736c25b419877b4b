// Dates, timestamp and start_timestamp.
#include "query/engine/evaluator.h"
#include "query/engine/functions.h"
#include "storage/base/civil_time.h"

#include <cmath>
#include <limits>
#include <utility>

namespace troupe::query {
namespace {

// As in Go, whose calendar starts with the year -292277022399: what lies before wraps around to the
// far future. Infinities and NaN come out there.
moment moment_at(int64_t seconds) {
  constexpr int64_t first_second = -9223372028715321600;
  __int128 wide = seconds;
  if (seconds < first_second)
    wide += static_cast<__int128>(1) << 64;
  const __int128 days = wide / 86400 - (wide % 86400 < 0 ? 1 : 0);
  return {static_cast<int64_t>(days), static_cast<int64_t>(wide - days * 86400)};
}

// As Go on amd64 converts a float to an integer: out of range becomes the least one.
int64_t to_seconds(double v) {
  constexpr double limit = 9223372036854775808.0;
  return v >= -limit && v < limit ? static_cast<int64_t>(v) : std::numeric_limits<int64_t>::min();
}

}  // namespace

double (*find_date_function(std::string_view name))(moment) {
  using f = double (*)(moment);
  static const std::pair<std::string_view, f> table[] = {
      {"day_of_month", [](moment t) { return static_cast<double>(civil_date_of(t.day).day); }},
      {"day_of_week", [](moment t) { return static_cast<double>(civil_date_of(t.day).weekday); }},
      {"day_of_year",
       [](moment t) { return static_cast<double>(civil_date_of(t.day).day_of_year); }},
      {"days_in_month",
       [](moment t) { return static_cast<double>(days_in_month(civil_date_of(t.day))); }},
      {"hour", [](moment t) { return static_cast<double>(t.second / 3600); }},
      {"minute", [](moment t) { return static_cast<double>(t.second / 60 % 60); }},
      {"month", [](moment t) { return static_cast<double>(civil_date_of(t.day).month); }},
      {"year", [](moment t) { return static_cast<double>(civil_date_of(t.day).year); }},
  };
  for (const auto& [known, function] : table)
    if (known == name)
      return function;
  return nullptr;
}

result<step_vector> evaluator::date(const call_expr& e, double (*f)(moment)) {
  step_vector out(state_.limits);
  step_scratch scratch;
  if (e.args.empty()) {
    scratch.reset(grid_.count);
    for (uint32_t i = 0; i < grid_.count; ++i)
      scratch.set(i, f(moment_at(grid_.at(i) / 1000)));
    TROUPE_TRY(out.push(labels(), false, scratch));
    return out;
  }
  TROUPE_ASSIGN(const step_vector v, vector(*e.args[0]));
  for (const step_series& s : v.series) {
    scratch.reset(grid_.count);
    for (uint32_t i = s.first; i < s.end(); ++i)
      if (const double x = s.value_at(i); !is_absent(x))
        scratch.set(i, f(moment_at(to_seconds(x))));
    TROUPE_TRY(out.push(unnamed(s.metric), true, scratch));
  }
  TROUPE_TRY(settle_names(out));
  return out;
}

result<step_vector> evaluator::timestamps(const call_expr& e) {
  const expr& arg = unwrap_parens(*e.args[0]);
  step_vector out(state_.limits);
  if (arg.kind == node_kind::vector_selector && !as<vector_selector>(arg).smoothed) {
    // Only a selector knows the times of its samples.
    TROUPE_ASSIGN(out, select(as<vector_selector>(arg), select_what::timestamp));
    for (step_series& s : out.series) {
      s.metric = unnamed(s.metric);
      s.drop_name = true;
    }
  } else {
    TROUPE_ASSIGN(const step_vector v, vector(arg));
    step_scratch scratch;
    for (const step_series& s : v.series) {
      scratch.reset(grid_.count);
      for (uint32_t i = s.first; i < s.end(); ++i)
        if (s.has(i))
          scratch.set(i, static_cast<double>(grid_.at(i)) / 1000);
      TROUPE_TRY(out.push(unnamed(s.metric), true, scratch));
    }
  }
  TROUPE_TRY(settle_names(out));
  return out;
}

result<step_vector> evaluator::start_timestamps(const call_expr& e) {
  const expr& arg = unwrap_parens(*e.args[0]);
  // Results of expressions have no start.
  if (arg.kind != node_kind::vector_selector)
    return step_vector(state_.limits);
  TROUPE_ASSIGN(step_vector out, select(as<vector_selector>(arg), select_what::start_timestamp));
  for (step_series& s : out.series) {
    s.metric = unnamed(s.metric);
    s.drop_name = true;
  }
  TROUPE_TRY(settle_names(out));
  return out;
}

}  // namespace troupe::query
