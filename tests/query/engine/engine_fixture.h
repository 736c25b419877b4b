// An engine over a store in memory, filled by series notation ("up{a=\"b\"} 0+1x10"). One test's.
#pragma once

#include "query/engine/engine.h"
#include "query/parser/number_text.h"
#include "query/promqltest/series_notation.h"
#include "tests/support/memory_queryable.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace troupe::query {

inline constexpr int64_t second = 1000;
inline constexpr int64_t minute = 60 * second;

class engine_fixture : public ::testing::Test {
 protected:
  engine_options options;
  manual_clock clock;
  memory_budget* memory = nullptr;
  memory_queryable store;

  /// Samples every `step_ms` from 0 on.
  void load(int64_t step_ms, std::string_view line) {
    const auto parsed = parse_series_line(line);
    ASSERT_TRUE(parsed.ok()) << parsed.error().message();
    timestamp_ms ts = 0;
    for (const auto& v : parsed->values) {
      if (v.histogram)
        store.append(parsed->series, ts, v.histogram);
      else if (!v.gap)
        store.append(parsed->series, ts, v.value);
      ts += step_ms;
    }
  }

  result<query_result> instant(std::string_view text, timestamp_ms ts,
                               const query_overrides& overrides = {}) {
    return engine(options, clock, memory).instant(store, "", text, ts, overrides);
  }
  result<query_result> range(std::string_view text, timestamp_ms start, timestamp_ms end,
                             int64_t step_ms, const query_overrides& overrides = {}) {
    return engine(options, clock, memory).range(store, "", text, start, end, step_ms, overrides);
  }

  /// `{a="b"} 1; {a="c"} 2`, or `error: message`.
  std::string at(std::string_view text, timestamp_ms ts) { return show(instant(text, ts)); }
  std::string over(std::string_view text, timestamp_ms start, timestamp_ms end, int64_t step_ms) {
    return show(range(text, start, end, step_ms));
  }

  static std::string show(const result<query_result>& r) {
    if (!r.ok())
      return "error: " + std::string(r.error().message());
    std::string out;
    if (const auto* scalar = std::get_if<scalar_value>(&r->value))
      return shortest(scalar->value);
    if (const auto* text = std::get_if<string_value>(&r->value))
      return text->text;
    const auto next = [&] { out += out.empty() ? "" : "; "; };
    if (const auto* vector = std::get_if<vector_value>(&r->value)) {
      for (const auto& e : *vector) {
        next();
        out += e.metric.to_string() + " " + (e.histogram ? "histogram" : shortest(e.value));
      }
      return out;
    }
    for (const auto& s : std::get<matrix_value>(r->value)) {
      next();
      out += s.metric.to_string();
      for (const auto& p : s.floats)
        out += " " + shortest(p.value) + "@" + std::to_string(p.ts / second);
    }
    return out;
  }
};

}  // namespace troupe::query
