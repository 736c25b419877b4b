#include "query/promqltest/compare.h"

#include "query/engine/histogram_math.h"
#include "query/parser/number_text.h"
#include "query/promqltest/histogram_notation.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <cmath>

namespace troupe::query {
namespace {

constexpr double epsilon = 1e-6;
constexpr double smallest_normal = 0x1p-1022;

std::string mismatch(const std::string& expected, const std::string& got) {
  return "expected " + expected + "\n  got      " + got;
}

std::string points_text(const matrix_series& s) {
  std::string out;
  for (const auto& p : s.floats)
    out += (out.empty() ? "" : " ") + shortest(p.value) + "@" + std::to_string(p.ts);
  for (const auto& p : s.histograms)
    out += (out.empty() ? "" : " ") + to_text(*p.value) + "@" + std::to_string(p.ts);
  return out.empty() ? "no points" : out;
}

std::string values_text(const std::vector<series_value>& values) {
  std::string out;
  for (const auto& v : values) {
    out += out.empty() ? "" : " ";
    out += v.gap ? "_" : v.histogram ? to_text(*v.histogram) : shortest(v.value);
  }
  return out;
}

std::string value_text(const query_value& v) {
  if (const auto* scalar = std::get_if<scalar_value>(&v))
    return "scalar " + shortest(scalar->value);
  if (const auto* text = std::get_if<string_value>(&v))
    return "string " + quoted(text->text);
  std::string out;
  if (const auto* vector = std::get_if<vector_value>(&v)) {
    for (const auto& e : *vector)
      out += "\n    " + e.metric.to_string() + " " +
             (e.histogram ? to_text(*e.histogram) : shortest(e.value));
    return out.empty() ? "an empty vector" : "vector" + out;
  }
  for (const auto& s : std::get<matrix_value>(v))
    out += "\n    " + s.metric.to_string() + " " + points_text(s);
  return out.empty() ? "an empty matrix" : "matrix" + out;
}

std::string expectation_text(const eval_command& want) {
  if (want.scalar)
    return "scalar " + shortest(*want.scalar);
  if (want.text)
    return "string " + quoted(*want.text);
  std::string out;
  for (const auto& s : want.series)
    out += "\n    " + s.series.to_string() + " " + values_text(s.values);
  return out.empty() ? "no series" : "series" + out;
}

const expected_series* find_series(const eval_command& want, const labels& series) {
  const auto it = std::ranges::find(want.series, series, &expected_series::series);
  return it == want.series.end() ? nullptr : &*it;
}

bool same_points(const eval_command& want, const expected_series& expected,
                 const matrix_series& got) {
  size_t floats = 0;
  size_t histograms = 0;
  for (size_t i = 0; i < expected.values.size(); ++i) {
    const auto& v = expected.values[i];
    const auto ts = want.start + static_cast<int64_t>(i) * want.step_ms;
    if (ts > want.end)
      return false;
    if (v.gap)
      continue;
    if (v.histogram) {
      if (histograms >= got.histograms.size() || got.histograms[histograms].ts != ts ||
          !almost_equal(*v.histogram, *got.histograms[histograms].value, v.hint_set))
        return false;
      ++histograms;
    } else {
      if (floats >= got.floats.size() || got.floats[floats].ts != ts ||
          !almost_equal(got.floats[floats].value, v.value))
        return false;
      ++floats;
    }
  }
  return floats == got.floats.size() && histograms == got.histograms.size();
}

bool same_element(const series_value& want, const vector_element& got) {
  if (want.histogram || got.histogram)
    return want.histogram && got.histogram &&
           almost_equal(*want.histogram, *got.histogram, want.hint_set);
  return almost_equal(want.value, got.value);
}

bool same_matrix(const eval_command& want, const matrix_value& got) {
  if (want.scalar || want.text || want.ordered || got.size() != want.series.size())
    return false;
  for (size_t i = 0; i < got.size(); ++i) {
    const auto* expected = find_series(want, got[i].metric);
    if (expected == nullptr || !same_points(want, *expected, got[i]))
      return false;
    if (i > 0 && !(got[i - 1].metric < got[i].metric))
      return false;
  }
  return true;
}

bool same_vector(const eval_command& want, const vector_value& got) {
  if (want.scalar || want.text || got.size() != want.series.size())
    return false;
  for (size_t i = 0; i < got.size(); ++i) {
    const auto* expected = find_series(want, got[i].metric);
    if (expected == nullptr || expected->values.empty() ||
        !same_element(expected->values[0], got[i]))
      return false;
    if (want.ordered && expected != &want.series[i])
      return false;
    // Each series once: as many elements as expected ones, so a repeated one would hide another.
    for (size_t before = 0; before < i; ++before)
      if (got[before].metric == got[i].metric)
        return false;
  }
  return true;
}

std::string list_text(const std::vector<std::string>& items) {
  std::string out;
  for (const auto& item : items)
    out += "\n    " + item;
  return out.empty() ? "none" : out;
}

std::string annotations_of(const char* kind, const std::vector<message_match>& want, bool want_none,
                           const std::vector<std::string>& got) {
  if (want_none && !got.empty())
    return mismatch(std::string("no ") + kind + " annotations", list_text(got));
  if (want.empty())
    return {};
  for (const auto& m : want)
    if (std::ranges::none_of(got, [&](const auto& text) { return m.matches(text); }))
      return mismatch(std::string("a ") + kind + " annotation matching " + m.describe(),
                      list_text(got));
  for (const auto& text : got)
    if (std::ranges::none_of(want, [&](const auto& m) { return m.matches(text); }))
      return mismatch(std::string("no other ") + kind + " annotation", text);
  return {};
}

}  // namespace

bool almost_equal(double a, double b) {
  if (is_stale(a) || is_stale(b))
    return is_stale(a) && is_stale(b);
  if ((std::isnan(a) && std::isnan(b)) || a == b)
    return true;
  const double sum = std::fabs(a) + std::fabs(b);
  const double difference = std::fabs(a - b);
  if (a == 0 || b == 0 || sum < smallest_normal)
    return difference < epsilon * smallest_normal;
  return difference / std::min(sum, std::numeric_limits<double>::max()) < epsilon;
}

std::string compare_value(const eval_command& want, const query_value& got) {
  bool same = false;
  if (const auto* matrix = std::get_if<matrix_value>(&got))
    same = same_matrix(want, *matrix);
  else if (const auto* vector = std::get_if<vector_value>(&got))
    same = same_vector(want, *vector);
  else if (const auto* scalar = std::get_if<scalar_value>(&got))
    same = want.scalar && almost_equal(*want.scalar, scalar->value);
  else
    same = want.text == std::get<string_value>(got).text;
  return same ? std::string() : mismatch(expectation_text(want), value_text(got));
}

std::string compare_annotations(const eval_command& want, const query_result& got) {
  auto out = annotations_of("warn", want.warn, want.no_warn, got.warnings);
  if (out.empty())
    out = annotations_of("info", want.info, want.no_info, got.infos);
  return out;
}

std::string compare_failure(const eval_command& want, const status& failed) {
  if (!want.fail)
    return mismatch(expectation_text(want), "error: " + std::string(failed.message()));
  if (want.fail_match.matches(failed.message()))
    return {};
  return mismatch("an error matching " + want.fail_match.describe(),
                  "error: " + std::string(failed.message()));
}

}  // namespace troupe::query
