#include "pipeline/ruletest/expectations.h"

#include "pipeline/rules/names.h"
#include "query/parser/number_text.h"
#include "query/parser/parser.h"
#include "query/promqltest/histogram_notation.h"
#include "query/promqltest/series_notation.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace troupe::rules {
namespace {

/// Labels and annotations, empty ones included.
using alert_texts = std::pair<text_map, text_map>;

void append(std::string& out, const text_map& m) {
  out += '{';
  for (auto it = m.begin(); it != m.end(); ++it)
    out += (it == m.begin() ? "" : ", ") + it->first + "=" + quoted(it->second);
  out += '}';
}

std::string to_text(const std::vector<alert_texts>& alerts) {
  std::string out = "[";
  for (size_t i = 0; i < alerts.size(); ++i) {
    out += "\n            " + std::to_string(i) + ": labels: ";
    append(out, alerts[i].first);
    out += "\n               annotations: ";
    append(out, alerts[i].second);
  }
  return out + (alerts.empty() ? "]" : "\n        ]");
}

bool same_value(double a, double b, bool fuzzy) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  return a == b || (fuzzy && (std::nextafter(a, -inf) == b || std::nextafter(a, inf) == b));
}

bool same_histogram(const histogram_ptr& a, const histogram_ptr& b) {
  if (!a || !b)
    return a == b;
  return query::almost_equal(*a, *b, true);
}

std::string to_text(const query::vector_value& v) {
  std::string out;
  for (const auto& e : v)
    out += (out.empty() ? "" : ", ") + (e.metric.empty() ? "{}" : e.metric.to_string()) + " " +
           (e.histogram ? "a histogram of " + query::shortest(e.histogram->count)
                        : query::shortest(e.value));
  return out.empty() ? "nil" : out;
}

result<histogram_ptr> parse_expected(const std::string& text) {
  TROUPE_ASSIGN(const auto parsed, query::parse_series_line("{} " + text));
  if (parsed.values.size() != 1)
    return {errc::invalid_argument,
            "expected 1 value, got " + std::to_string(parsed.values.size())};
  if (!parsed.values[0].histogram)
    return {errc::invalid_argument, "expected histogram, got " + text};
  return parsed.values[0].histogram;
}

result<query::vector_value> expected_samples(const config::expression_test& want) {
  query::vector_value out;
  for (const auto& s : want.samples) {
    const auto context = "labels " + quoted(s.labels);
    query::vector_element e;
    if (!s.labels.empty()) {
      auto parsed = query::parse_series_labels(s.labels);
      if (!parsed.ok())
        return parsed.error().with_context(context);
      e.metric = std::move(*parsed);
    }
    e.value = s.value;
    if (!s.histogram.empty()) {
      auto parsed = parse_expected(s.histogram);
      if (!parsed.ok())
        return parsed.error().with_context(context);
      e.histogram = std::move(*parsed);
    }
    out.push_back(std::move(e));
  }
  return out;
}

}  // namespace

std::string compare_alerts(const config::alert_rule_test& want, const std::vector<alert>& got) {
  std::vector<alert_texts> expected, found;
  for (const auto& a : want.alerts) {
    auto labels = a.labels;
    labels[std::string(alert_name_label)] = want.alert_name;
    expected.emplace_back(std::move(labels), a.annotations);
  }
  for (const auto& a : got) {
    text_map labels;
    for (const auto& l : a.lset)
      labels.emplace(l.name, l.value);
    found.emplace_back(std::move(labels), a.annotations);
  }
  std::sort(expected.begin(), expected.end());
  std::sort(found.begin(), found.end());
  if (expected == found)
    return {};
  return "        exp: " + to_text(expected) + ",\n        got: " + to_text(found);
}

std::string compare_samples(const config::expression_test& want, query::vector_value got,
                            bool fuzzy) {
  auto expected = expected_samples(want);
  if (!expected.ok())
    return "err: " + std::string(expected.error().message());
  const auto by_labels = [](const auto& a, const auto& b) { return a.metric < b.metric; };
  std::stable_sort(expected->begin(), expected->end(), by_labels);
  std::stable_sort(got.begin(), got.end(), by_labels);
  const bool same = std::equal(expected->begin(), expected->end(), got.begin(), got.end(),
                               [&](const auto& a, const auto& b) {
                                 return a.metric == b.metric &&
                                        same_histogram(a.histogram, b.histogram) &&
                                        same_value(a.value, b.value, fuzzy);
                               });
  if (same)
    return {};
  return "\n        exp: " + to_text(*expected) + "\n        got: " + to_text(got);
}

}  // namespace troupe::rules
