// Several stores in memory whose series are parted by a label, and all of them in one: what parts
// of expressions give there must be what the whole gives. One test's.
#pragma once

#include "query/engine/engine.h"
#include "query/engine/histogram_math.h"
#include "query/engine/parts.h"
#include "query/parser/number_text.h"
#include "query/parser/printer.h"
#include "storage/base/random.h"
#include "tests/support/memory_queryable.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::query {

/// Evaluates the text of parts, as servers elsewhere would, and gives answers in no order.
class places final : public part_evaluator {
 public:
  explicit places(const engine& evaluator, uint64_t seed = 1) : engine_(evaluator), random_(seed) {}

  static constexpr size_t count = 3;
  static constexpr std::array<std::string_view, count> regions = {"", "eu", "us"};
  memory_queryable all;
  bool take_histograms = false;  ///< else they are left to the engine
  uint64_t refuse_one_in = 0;
  size_t asked = 0, answered = 0;
  std::vector<std::string> texts;

  /// `series` without the label.
  template <class Value>
  void append(size_t place, const labels& series, timestamp_ms ts, const Value& v,
              timestamp_ms start_ts = no_start_timestamp) {
    labels_builder b(series);
    const labels parted = b.set("region", regions[place]).build();
    stores_[place].append(parted, ts, v, start_ts);
    all.append(parted, ts, v, start_ts);
  }
  void clear() {
    all.clear();
    for (auto& s : stores_)
      s.clear();
  }

  std::string_view parting_label() const override { return "region"; }
  result<std::optional<std::vector<matrix_value>>> evaluate(const query_part& part) override {
    ++asked;
    texts.push_back(to_string(part.root));
    std::vector<matrix_value> out;
    if (refuse_one_in > 0 && random_.below(refuse_one_in) == 0)
      return std::optional<std::vector<matrix_value>>();
    for (auto& store : stores_) {
      const query_overrides overrides{.lookback_ms = part.lookback_ms};
      auto r = part.step_ms == 0 ? engine_.instant(store, "", texts.back(), part.start, overrides)
                                 : engine_.range(store, "", texts.back(), part.start, part.end,
                                                 part.step_ms, overrides);
      if (!r.ok())
        return r.error();
      out.push_back(to_matrix(std::move(r->value)));
      for (matrix_series& s : out.back())
        if (!s.histograms.empty() && !take_histograms)
          return std::optional<std::vector<matrix_value>>();
      shuffle(out.back());
    }
    ++answered;
    return std::optional(std::move(out));
  }

 private:
  static matrix_value to_matrix(query_value&& v) {
    if (auto* m = std::get_if<matrix_value>(&v))
      return std::move(*m);
    matrix_value out;
    for (auto& e : std::get<vector_value>(v)) {
      out.push_back({std::move(e.metric), {}, {}});
      if (e.histogram)
        out.back().histograms.push_back({e.ts, e.histogram});
      else
        out.back().floats.push_back({e.ts, std::isnan(e.value) ? normal_nan() : e.value});
    }
    return out;
  }
  void shuffle(matrix_value& m) {
    for (size_t i = m.size(); i > 1; --i)
      std::swap(m[i - 1], m[random_.below(i)]);
  }

  const engine& engine_;
  seeded_random random_;
  std::array<memory_queryable, count> stores_;
};

inline std::string bits(double v) {
  return std::isnan(v) ? "NaN" : shortest(v) + "/" + std::to_string(std::bit_cast<uint64_t>(v));
}

/// Every bit of a result, series sorted; "error" if there is none.
inline std::string exact(const result<query_result>& r) {
  if (!r.ok())
    return "error";
  if (const auto* scalar = std::get_if<scalar_value>(&r->value))
    return bits(scalar->value);
  std::vector<std::string> lines;
  const auto point = [](timestamp_ms ts, double v, const histogram_ptr& h) {
    return " " + std::to_string(ts) + ":" + (h ? to_text(*h) : bits(v));
  };
  if (const auto* vector = std::get_if<vector_value>(&r->value)) {
    for (const auto& e : *vector)
      lines.push_back(e.metric.to_string() + point(e.ts, e.value, e.histogram));
  } else if (const auto* matrix = std::get_if<matrix_value>(&r->value)) {
    for (const auto& s : *matrix) {
      lines.push_back(s.metric.to_string());
      for (const auto& p : s.floats)
        lines.back() += point(p.ts, p.value, nullptr);
      for (const auto& p : s.histograms)
        lines.back() += point(p.ts, 0, p.value);
    }
  }
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const auto& line : lines)
    out += line + "\n";
  return out;
}

}  // namespace troupe::query
