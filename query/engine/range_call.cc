// Functions over ranges: the windows of every step of a selector or subquery, one series at a time.
#include "query/engine/evaluator.h"
#include "query/engine/functions.h"
#include "query/engine/histogram_math.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace troupe::query {

/// Where the series under a range function come from.
struct range_source {
  const expr* arg = nullptr;                  ///< the selector or subquery
  const vector_selector* selector = nullptr;  ///< null for a subquery
  int64_t range_ms = 0;
  int64_t before_ms = 0;  ///< how far the samples read reach beyond the range
  int64_t after_ms = 0;
  std::vector<timestamp_ms> refs;
};

namespace {

using columns = storage::sample_columns;

range_source describe(const expr& arg, int64_t lookback_ms) {
  range_source out;
  out.arg = &arg;
  if (arg.kind == node_kind::subquery) {
    out.range_ms = as<subquery_expr>(arg).range_ms;
    return out;
  }
  const auto& m = as<matrix_selector>(arg);
  out.selector = &m.vector();
  out.range_ms = m.range_ms;
  if (out.selector->anchored || out.selector->smoothed)
    out.before_ms = lookback_ms;
  if (out.selector->smoothed)
    out.after_ms = lookback_ms;
  return out;
}

const time_shift& shift_of(const range_source& source) {
  return source.selector ? source.selector->shift : as<subquery_expr>(*source.arg).shift;
}

status check_modifiers(const range_source& source, std::string_view function) {
  constexpr std::string_view anchored = "changes, delta, increase, rate, resets";
  constexpr std::string_view smoothed = "delta, increase, rate";
  const auto refuse = [&](std::string_view modifier, std::string_view allowed) -> status {
    return {errc::execution, std::string(modifier) + " modifier can only be used with: " +
                                 std::string(allowed) + " - not with " + std::string(function)};
  };
  const bool plain = function == "delta" || function == "increase" || function == "rate";
  if (!source.selector || plain)
    return {};
  if (source.selector->smoothed)
    return refuse("smoothed", smoothed);
  if (source.selector->anchored && function != "changes" && function != "resets")
    return refuse("anchored", anchored);
  return {};
}

// The window (ref - range, ref] of each step as positions in sorted timestamps.
struct windows {
  std::vector<uint32_t> lo, hi;

  template <class TsAt>
  void find(const range_source& s, size_t count, TsAt ts_at) {
    const size_t steps = s.refs.size();
    lo.resize(steps);
    hi.resize(steps);
    uint32_t l = 0;
    uint32_t h = 0;
    for (size_t i = 0; i < steps; ++i) {
      const timestamp_ms from = saturating_sub(s.refs[i], s.range_ms + s.before_ms);
      const timestamp_ms to = saturating_add(s.refs[i], s.after_ms);
      while (l < count && ts_at(l) <= from)
        ++l;
      h = std::max(h, l);
      while (h < count && ts_at(h) <= to)
        ++h;
      lo[i] = l;
      hi[i] = h;
    }
  }
};

bool counter_suffix(std::string_view name) {
  return name.ends_with("_total") || name.ends_with("_sum") || name.ends_with("_count") ||
         name.ends_with("_bucket");
}

void note_non_counter(const labels& metric, bool use_type_label, position_range pos,
                      annotations& notes) {
  const std::string_view name = metric.metric_name();
  if (name.empty())
    return;
  if (use_type_label) {
    const std::string_view type = metric.get("__type__");
    if (type != "counter" && type != "histogram")
      notes.info(note::possible_non_counter_label(name, type), pos);
  } else if (!counter_suffix(name)) {
    notes.info(note::possible_non_counter(name), pos);
  }
}

// Functions that need no more of a window than its ends and extremes, and how many samples it has.
bool takes_summaries(std::string_view function) {
  static constexpr std::string_view names[] = {
      "absent_over_time", "count_over_time", "first_over_time",  "last_over_time",
      "max_over_time",    "min_over_time",   "present_over_time"};
  return std::find(std::begin(names), std::end(names), function) != std::end(names);
}

bool has_floats(const step_scratch& s) {
  return std::any_of(s.values.begin(), s.values.end(), [](double v) { return !is_absent(v); });
}

columns to_columns(const step_series& s, const step_grid& grid) {
  columns out;
  for (uint32_t i = s.first; i < s.end(); ++i) {
    if (const double v = s.value_at(i); !is_absent(v)) {
      out.ts.push_back(grid.at(i));
      out.values.push_back(v);
    } else if (const histogram_ptr& h = s.histogram_at(i)) {
      // Between the steps a subquery may have missed a reset, or it sees one several times.
      out.histograms.push_back({grid.at(i), no_start_timestamp, without_reset_hint(h)});
    }
  }
  return out;
}

}  // namespace

void drop_stale(columns& c) {
  const bool starts = !c.start_ts.empty();
  size_t kept = 0;
  for (size_t i = 0; i < c.ts.size(); ++i) {
    if (is_stale(c.values[i]))
      continue;
    if (kept != i) {
      c.ts[kept] = c.ts[i];
      c.values[kept] = c.values[i];
      if (starts)
        c.start_ts[kept] = c.start_ts[i];
    }
    ++kept;
  }
  c.ts.resize(kept);
  c.values.resize(kept);
  if (starts)
    c.start_ts.resize(kept);
  std::erase_if(c.histograms, [](const auto& row) { return row.value->is_stale(); });
}

// The steps of a subquery: multiples of its resolution in (first - range, last].
result<step_grid> evaluator::subquery_grid(const subquery_expr& q) const {
  const std::vector<timestamp_ms> refs = reference_times(q.shift);
  step_grid out;
  out.step = q.step_ms > 0 ? q.step_ms : state_.options.default_subquery_step_ms;
  const timestamp_ms after = saturating_sub(refs.front(), q.range_ms);
  out.start = after / out.step * out.step;
  if (out.start <= after)
    out.start = saturating_add(out.start, out.step);
  if (refs.back() >= out.start) {
    const uint64_t count =
        static_cast<uint64_t>(refs.back() - out.start) / static_cast<uint64_t>(out.step) + 1;
    TROUPE_TRY(state_.limits.check_steps(count));
    out.count = static_cast<uint32_t>(count);
  }
  return out;
}

status evaluator::for_each_range(const range_source& source, std::string_view function,
                                 const range_reader& each, uint64_t* left_out) {
  if (source.selector) {
    const auto read = [&](const labels& metric, columns& c) -> status {
      drop_stale(c);
      if (!state_.options.use_start_timestamps)
        c.start_ts.clear();
      return each(metric, false, c);
    };
    return for_each_series(
        {.match = source.selector->match,
         .min = saturating_sub(source.refs.front(), source.range_ms + source.before_ms - 1),
         .max = saturating_add(source.refs.back(), source.after_ms),
         .range_ms = source.range_ms,
         .function = function,
         .detect_resets = state_.figures.contains(*source.selector),
         .left_out = left_out},
        read);
  }
  const auto& q = as<subquery_expr>(*source.arg);
  // What a subquery reads is not counted, only what the windows over it hold.
  TROUPE_ASSIGN(const step_grid grid, subquery_grid(q));
  evaluator inner(state_, grid, 0);
  TROUPE_ASSIGN(const step_vector v, inner.vector(*q.inner));
  for (const step_series& s : v.series) {
    TROUPE_TRY(state_.limits.check());
    columns c = to_columns(s, grid);
    TROUPE_TRY(each(s.metric, s.drop_name, c));
  }
  return {};
}

// Counts the samples of all windows. As in Prometheus, one of them is held while the results of its
// series are made: the widest.
status evaluator::hold_windows(const range_input& in, held& window) {
  std::vector<uint64_t> weights(in.histograms.size() + 1, 0);
  for (size_t i = 0; i < in.histograms.size(); ++i)
    weights[i + 1] = weights[i] + sample_weight(*in.histograms[i].value);
  uint64_t widest = 0;
  for (uint32_t i = 0; i < grid_.count; ++i) {
    const uint64_t n = in.hi[i] - in.lo[i] + weights[in.hhi[i]] - weights[in.hlo[i]];
    widest = std::max(widest, n);
    count_samples(i, n);
  }
  return window.add(widest, 0);
}

result<step_vector> evaluator::range_call(const call_expr& e, size_t matrix_arg) {
  const std::string_view name = e.func->name;
  const range_function function = find_range_function(name);
  if (!function)
    return {errc::unsupported, "function " + std::string(name) + "() is not implemented"};
  std::vector<scalar_column> params;
  for (size_t i = 0; i < e.args.size(); ++i) {
    if (i == matrix_arg)
      continue;
    TROUPE_ASSIGN(params.emplace_back(), scalar(*e.args[i]));
  }
  const expr& arg = unwrap_parens(*e.args[matrix_arg]);
  range_source source = describe(arg, state_.lookback_ms);
  TROUPE_TRY(check_modifiers(source, name));
  source.refs = reference_times(shift_of(source));

  const bool keeps_name = name == "last_over_time" || name == "first_over_time";
  const bool counter = name == "rate" || name == "increase";
  const position_range pos = unwrap_parens(*e.args[0]).pos;
  step_vector out(state_.limits);
  step_scratch scratch;
  windows floats;
  windows histograms;
  // One window holds all samples that are read: some may be left out.
  const bool reduce = source.selector != nullptr && grid_.count == 1 && takes_summaries(name);
  uint64_t left_out = 0;
  const auto each = [&](const labels& metric, bool drop_name, columns& c) -> status {
    floats.find(source, c.ts.size(), [&](size_t i) { return c.ts[i]; });
    histograms.find(source, c.histograms.size(), [&](size_t i) { return c.histograms[i].ts; });
    scratch.reset(grid_.count);
    const range_input in{.grid = grid_,
                         .refs = source.refs,
                         .range_ms = source.range_ms,
                         .anchored = source.selector && source.selector->anchored,
                         .smoothed = source.selector && source.selector->smoothed,
                         .ts = c.ts,
                         .values = c.values,
                         .start_ts = c.start_ts,
                         .histograms = c.histograms,
                         .histogram_start_ts = state_.options.use_start_timestamps,
                         .lo = floats.lo,
                         .hi = floats.hi,
                         .hlo = histograms.lo,
                         .hhi = histograms.hi,
                         .params = params,
                         .metric_name = metric.metric_name(),
                         .pos = pos,
                         .notes = state_.notes,
                         .limits = state_.limits};
    TROUPE_TRY(function(in, scratch));
    held window(state_.limits);
    TROUPE_TRY(hold_windows(in, window));
    if (left_out > 0) {
      count_samples(0, left_out);
      if (name == "count_over_time")
        scratch.set(0, scratch.values[0] + static_cast<double>(left_out));
    }
    if (counter && has_floats(scratch))
      note_non_counter(metric, state_.options.enable_type_and_unit_labels, pos, state_.notes);
    return out.push(keeps_name ? metric : unnamed(metric), drop_name || !keeps_name, scratch);
  };
  TROUPE_TRY(for_each_range(source, name, each, reduce ? &left_out : nullptr));
  if (name == "absent_over_time")
    return absences(out, arg);
  if (!delayed_names())
    TROUPE_TRY(reject_same_labelset(out));
  return out;
}

result<matrix_value> evaluator::matrix(const expr& e) {
  const expr& arg = unwrap_parens(e);
  range_source source = describe(arg, state_.lookback_ms);
  source.refs = reference_times(shift_of(source));
  matrix_value out;
  held holds(state_.limits);
  const auto each = [&](const labels& metric, bool drop_name, columns& c) -> status {
    if (source.selector && (source.selector->anchored || source.selector->smoothed))
      extend_ends(c, saturating_sub(source.refs[0], source.range_ms), source.refs[0],
                  source.selector->smoothed, metric.metric_name(), arg.pos, state_.notes);
    matrix_series s;
    s.metric = drop_name ? drop_metadata_labels(metric) : metric;
    for (size_t i = 0; i < c.ts.size(); ++i)
      s.floats.push_back({c.ts[i], c.values[i]});
    uint64_t weight = s.floats.size();
    for (auto& row : c.histograms) {
      weight += sample_weight(*row.value);
      s.histograms.push_back({row.ts, std::move(row.value)});
    }
    TROUPE_TRY(holds.add(weight, weight * sizeof(float_point)));
    count_samples(0, weight);
    if (weight > 0)
      out.push_back(std::move(s));
    return {};
  };
  TROUPE_TRY(for_each_range(source, {}, each));
  return out;
}

// absent_over_time: 1 where none of the series has a sample.
result<step_vector> evaluator::absences(const step_vector& found, const expr& arg) {
  std::vector<bool> present(grid_.count, false);
  for (const step_series& s : found.series)
    for (uint32_t i = s.first; i < s.end(); ++i)
      if (s.has(i))
        present[i] = true;
  step_scratch scratch;
  scratch.reset(grid_.count);
  for (uint32_t i = 0; i < grid_.count; ++i)
    if (!present[i])
      scratch.set(i, 1);
  step_vector out(state_.limits);
  TROUPE_TRY(out.push(absent_labels(arg), true, scratch));
  return out;
}

}  // namespace troupe::query
