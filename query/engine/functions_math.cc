// Functions from value to value, the clamps and round, scalar and vector.
#include "query/engine/evaluator.h"
#include "query/engine/functions.h"
#include "query/engine/operators.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

namespace troupe::query {
namespace {

double sign(double v) {
  if (v < 0)
    return -1;
  return v > 0 ? 1 : v;
}

}  // namespace

double (*find_float_function(std::string_view name))(double) {
  using f = double (*)(double);
  static const std::pair<std::string_view, f> table[] = {
      {"abs", [](double v) { return std::fabs(v); }},
      {"acos", [](double v) { return std::acos(v); }},
      {"acosh", [](double v) { return std::acosh(v); }},
      {"asin", [](double v) { return std::asin(v); }},
      {"asinh", [](double v) { return std::asinh(v); }},
      {"atan", [](double v) { return std::atan(v); }},
      {"atanh", [](double v) { return std::atanh(v); }},
      {"ceil", [](double v) { return std::ceil(v); }},
      {"cos", [](double v) { return std::cos(v); }},
      {"cosh", [](double v) { return std::cosh(v); }},
      {"deg", [](double v) { return v * 180 / std::numbers::pi; }},
      {"exp", [](double v) { return std::exp(v); }},
      {"floor", [](double v) { return std::floor(v); }},
      {"ln", [](double v) { return std::log(v); }},
      {"log10", [](double v) { return std::log10(v); }},
      {"log2", [](double v) { return std::log2(v); }},
      {"rad", [](double v) { return v * std::numbers::pi / 180; }},
      {"sgn", sign},
      {"sin", [](double v) { return std::sin(v); }},
      {"sinh", [](double v) { return std::sinh(v); }},
      {"sqrt", [](double v) { return std::sqrt(v); }},
      {"tan", [](double v) { return std::tan(v); }},
      {"tanh", [](double v) { return std::tanh(v); }},
  };
  for (const auto& [known, function] : table)
    if (known == name)
      return function;
  return nullptr;
}

std::vector<double> scalar_of(const step_vector& v, uint32_t steps) {
  constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> out(steps, nan_value);
  std::vector<uint8_t> found(steps, 0);
  for (const step_series& s : v.series) {
    for (uint32_t i = s.first; i < s.end(); ++i) {
      const double x = s.value_at(i);
      if (is_absent(x))
        continue;
      out[i] = found[i] ? nan_value : x;
      found[i] = 1;
    }
  }
  return out;
}

namespace {

// Replaces the floats of `s` by f(step, value) and drops its histograms.
template <class F>
void map_values(step_series& s, F f) {
  for (uint32_t i = 0; i < s.values.size(); ++i)
    if (!is_absent(s.values[i]))
      s.values[i] = f(s.first + i, s.values[i]);
  s.histograms.clear();
}

// Series that lost all their values are no series any more.
void erase_empty(step_vector& v) {
  std::erase_if(v.series, [](const step_series& s) {
    for (uint32_t i = s.first; i < s.end(); ++i)
      if (s.has(i))
        return false;
    return true;
  });
}

}  // namespace

result<step_vector> evaluator::map_floats(const call_expr& e, double (*f)(double)) {
  TROUPE_ASSIGN(step_vector v, vector(*e.args[0]));
  for (step_series& s : v.series) {
    s.metric = unnamed(s.metric);
    s.drop_name = true;
    map_values(s, [&](uint32_t, double x) { return f(x); });
  }
  erase_empty(v);
  TROUPE_TRY(settle_names(v));
  return v;
}

result<step_vector> evaluator::clamp(const call_expr& e) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  TROUPE_ASSIGN(step_vector v, vector(*e.args[0]));
  scalar_column low(grid_.count, -inf);
  scalar_column high(grid_.count, inf);
  const std::string_view name = e.func->name;
  if (name != "clamp_max") {
    TROUPE_ASSIGN(low, scalar(*e.args[1]));
  }
  if (name != "clamp_min") {
    TROUPE_ASSIGN(high, scalar(*e.args[name == "clamp" ? 2 : 1]));
  }
  for (step_series& s : v.series) {
    s.metric = unnamed(s.metric);
    s.drop_name = true;
    map_values(s, [&](uint32_t i, double x) {
      return high[i] < low[i] ? absent() : go_max(low[i], go_min(high[i], x));
    });
  }
  erase_empty(v);
  TROUPE_TRY(settle_names(v));
  return v;
}

result<step_vector> evaluator::round(const call_expr& e) {
  TROUPE_ASSIGN(step_vector v, vector(*e.args[0]));
  scalar_column nearest(grid_.count, 1);
  if (e.args.size() > 1) {
    TROUPE_ASSIGN(nearest, scalar(*e.args[1]));
  }
  for (step_series& s : v.series) {
    s.metric = unnamed(s.metric);
    s.drop_name = true;
    map_values(s, [&](uint32_t i, double x) {
      // The inverse loses less than the fraction itself: 0.1 is not exact, 10 is.
      const double inverse = 1.0 / nearest[i];
      return std::floor(x * inverse + 0.5) / inverse;
    });
  }
  erase_empty(v);
  TROUPE_TRY(settle_names(v));
  return v;
}

result<step_vector> evaluator::vector_of(const call_expr& e) {
  TROUPE_ASSIGN(scalar_column v, scalar(*e.args[0]));
  step_scratch scratch;
  scratch.values = std::move(v);
  step_vector out(state_.limits);
  TROUPE_TRY(out.push(labels(), false, scratch));
  return out;
}

}  // namespace troupe::query
