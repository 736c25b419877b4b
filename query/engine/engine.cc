#include "query/engine/engine.h"

#include "query/engine/analysis.h"
#include "query/engine/annotations.h"
#include "query/engine/budget.h"
#include "query/engine/evaluator.h"
#include "query/engine/parting.h"
#include "query/engine/parts.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace troupe::query {

/// One query, instant if step_ms is 0.
struct engine::call {
  storage::queryable& source;
  std::string_view tenant;
  std::string_view text;
  const expr* parsed = nullptr;
  query_times times;
  const query_overrides& overrides;
};

namespace {

void drop_flagged_names(step_vector& v) {
  for (step_series& s : v.series)
    if (s.drop_name)
      s.metric = drop_metadata_labels(s.metric);
}

vector_value to_vector(step_vector&& v, timestamp_ms ts) {
  vector_value out;
  out.reserve(v.series.size());
  for (step_series& s : v.series) {
    const histogram_ptr& h = s.histogram_at(0);
    out.push_back({std::move(s.metric), ts, h ? 0 : s.value_at(0), h});
  }
  return out;
}

matrix_value to_matrix(step_vector&& v, const step_grid& grid) {
  matrix_value out;
  out.reserve(v.series.size());
  for (step_series& s : v.series) {
    matrix_series m;
    m.metric = std::move(s.metric);
    const auto floats =
        std::count_if(s.values.begin(), s.values.end(), [](double x) { return !is_absent(x); });
    m.floats.reserve(static_cast<size_t>(floats));
    for (uint32_t i = s.first; i < s.end(); ++i) {
      if (const double x = s.value_at(i); !is_absent(x))
        m.floats.push_back({grid.at(i), x});
      else if (const histogram_ptr& h = s.histogram_at(i))
        m.histograms.push_back({grid.at(i), h});
    }
    if (!m.floats.empty() || !m.histograms.empty())
      out.push_back(std::move(m));
    s = {};
  }
  return out;
}

void sort_by_labels(matrix_value& m) {
  std::sort(m.begin(), m.end(),
            [](const matrix_series& a, const matrix_series& b) { return a.metric < b.metric; });
}

result<step_grid> grid_of(const query_times& times, const budget& limits) {
  if (times.step_ms == 0)
    return step_grid{times.start, 1, 1};
  step_grid grid{times.start, times.step_ms, 0};
  if (times.end < times.start)
    return grid;
  const uint64_t count =
      static_cast<uint64_t>(times.end - times.start) / static_cast<uint64_t>(times.step_ms) + 1;
  TROUPE_TRY(limits.check_steps(count));
  grid.count = static_cast<uint32_t>(count);
  return grid;
}

// The value of a prepared expression; matrices are not sorted yet.
result<query_value> evaluate(const expr& e, const query_times& times, const step_grid& grid,
                             query_state& state) {
  evaluator eval(state, grid);
  switch (e.type()) {
    case value_type::string:
      return query_value(string_value{times.start, as<string_literal>(unwrap_parens(e)).value});
    case value_type::matrix: {
      TROUPE_ASSIGN(matrix_value m, eval.matrix(e));
      return query_value(std::move(m));
    }
    case value_type::scalar: {
      TROUPE_ASSIGN(const scalar_column v, eval.scalar(e));
      if (times.step_ms == 0)
        return query_value(scalar_value{times.start, v[0]});
      matrix_value m;
      if (!v.empty()) {
        m.emplace_back();
        for (uint32_t i = 0; i < grid.count; ++i)
          m[0].floats.push_back({grid.at(i), v[i]});
      }
      return query_value(std::move(m));
    }
    default: {
      TROUPE_ASSIGN(step_vector v, eval.vector(e));
      if (state.options.enable_delayed_name_removal) {
        drop_flagged_names(v);
        TROUPE_TRY(merge_same_labelset(v));
      }
      if (times.step_ms == 0)
        return query_value(to_vector(std::move(v), times.start));
      return query_value(to_matrix(std::move(v), grid));
    }
  }
}

}  // namespace

std::string_view to_string(query_error e) {
  constexpr std::string_view names[] = {"bad_data", "execution",   "timeout",
                                        "canceled", "unavailable", "internal"};
  return names[static_cast<size_t>(e)];
}

query_error classify(const status& failed) {
  switch (failed.code()) {
    case errc::invalid_argument:
      return query_error::bad_data;
    case errc::execution:
    case errc::resource_exhausted:
    case errc::unsupported:
      return query_error::execution;
    case errc::timeout:
      return query_error::timeout;
    case errc::canceled:
      return query_error::canceled;
    case errc::unavailable:
      return query_error::unavailable;
    default:
      return query_error::internal;
  }
}

engine::engine(engine_options options, const troupe::clock& clock, memory_budget* memory)
    : options_(std::move(options)), clock_(clock), memory_(memory) {}

result<query_result> engine::instant(storage::queryable& source, std::string_view tenant,
                                     std::string_view text, timestamp_ms ts,
                                     const query_overrides& overrides) const {
  TROUPE_ASSIGN(const expr_ptr parsed, parse(text, options_.parse));
  return instant(source, tenant, *parsed, text, ts, overrides);
}

result<query_result> engine::instant(storage::queryable& source, std::string_view tenant,
                                     const expr& parsed, std::string_view text, timestamp_ms ts,
                                     const query_overrides& overrides) const {
  return run({source, tenant, text, &parsed, {ts, ts, 0}, overrides});
}

result<query_result> engine::range(storage::queryable& source, std::string_view tenant,
                                   std::string_view text, timestamp_ms start, timestamp_ms end,
                                   int64_t step_ms, const query_overrides& overrides) const {
  TROUPE_ASSIGN(const expr_ptr parsed, parse(text, options_.parse));
  return range(source, tenant, *parsed, text, start, end, step_ms, overrides);
}

result<query_result> engine::range(storage::queryable& source, std::string_view tenant,
                                   const expr& parsed, std::string_view text, timestamp_ms start,
                                   timestamp_ms end, int64_t step_ms,
                                   const query_overrides& overrides) const {
  if (step_ms <= 0)
    return {errc::invalid_argument,
            "zero or negative query resolution step widths are not accepted. Try a positive "
            "integer"};
  const value_type type = parsed.type();
  if (type != value_type::vector && type != value_type::scalar)
    return {errc::invalid_argument, "invalid expression type \"" +
                                        std::string(document_name(type)) +
                                        "\" for range query, must be Scalar or instant Vector"};
  return run({source, tenant, text, &parsed, {start, end, step_ms}, overrides});
}

result<query_result> engine::run(const call& c) const {
  const int64_t began = clock_.monotonic_ns();
  int64_t timeout_ms = options_.timeout_ms;
  if (c.overrides.timeout_ms > 0)
    timeout_ms =
        timeout_ms > 0 ? std::min(timeout_ms, c.overrides.timeout_ms) : c.overrides.timeout_ms;
  budget limits(clock_, timeout_ms, options_.max_samples, options_.max_memory_bytes,
                c.overrides.cancel, memory_);
  const expr_ptr tree = c.parsed->clone();
  TROUPE_TRY(resolve_durations(*tree, c.times.step_ms, c.times.end - c.times.start));
  TROUPE_ASSIGN(const step_grid grid, grid_of(c.times, limits));

  const int64_t lookback =
      c.overrides.lookback_ms > 0 ? c.overrides.lookback_ms : options_.lookback_ms;
  const invariant_nodes invariant(*tree);
  const figure_selectors figures(*tree);
  const time_bounds bounds = needed_bounds(*tree, c.times, lookback);
  TROUPE_ASSIGN(const auto source, c.source.open(c.tenant, bounds.min, bounds.max));
  TROUPE_TRY(limits.check());

  query_result out;
  annotations notes;
  engine_options options = options_;
  if (c.overrides.default_subquery_step_ms > 0)
    options.default_subquery_step_ms = c.overrides.default_subquery_step_ms;
  query_state state{.options = options,
                    .times = c.times,
                    .lookback_ms = lookback,
                    .data = c.source,
                    .tenant = c.tenant,
                    .source = *source,
                    .root = *c.parsed,
                    .invariant = invariant,
                    .figures = figures,
                    .limits = limits,
                    .notes = notes,
                    .stats = out.stats,
                    .samples_per_step = {},
                    .shared = nullptr};
  std::optional<parting> parted;
  if (c.overrides.parts) {
    parted.emplace(
        *tree, figures,
        parting::rules{.label = c.overrides.parts->parting_label(),
                       .here = {c.times.start, c.times.end, options.default_subquery_step_ms},
                       .delayed_names = options.enable_delayed_name_removal,
                       .metadata_labels = options.enable_type_and_unit_labels});
    state.parts = c.overrides.parts;
    state.parted = &*parted;
  } else if (c.overrides.shared && c.times.step_ms == 0) {
    state.shared = c.overrides.shared;
    state.shared->charge_to(memory_);
  }
  if (options_.enable_per_step_stats && c.overrides.per_step_stats)
    state.samples_per_step.resize(grid.count);
  const int64_t prepared = clock_.monotonic_ns();
  TROUPE_ASSIGN(out.value, evaluate(*tree, c.times, grid, state));
  const int64_t evaluated = clock_.monotonic_ns();
  if (auto* m = std::get_if<matrix_value>(&out.value))
    sort_by_labels(*m);
  TROUPE_TRY(limits.check());

  out.warnings = notes.warnings(c.text);
  for (std::string& w : source->warnings())
    out.warnings.push_back(std::move(w));
  out.infos = notes.infos(c.text);
  out.stats.prepare_ns = prepared - began;
  out.stats.eval_ns = evaluated - prepared;
  out.stats.sort_ns = clock_.monotonic_ns() - evaluated;
  out.stats.peak_samples = limits.peak_samples();
  out.stats.peak_bytes = limits.peak_bytes();
  for (uint32_t i = 0; i < state.samples_per_step.size(); ++i)
    out.stats.samples_per_step.emplace_back(grid.at(i), state.samples_per_step[i]);
  return out;
}

}  // namespace troupe::query
