// The modifiers anchored and smoothed where no function is applied: values at the ends of a range
// and at single instants.
#include "query/engine/functions.h"
#include "query/engine/histogram_math.h"

#include <algorithm>

namespace troupe::query {
namespace {

using columns = storage::sample_columns;
using row = columns::histogram_row;

bool is_counter(const histogram& h) {
  return h.hint != counter_reset_hint::gauge;
}

// The samples a boundary is made of: those around it, in a column of n samples.
struct ends {
  size_t first = 0;
  size_t last = 0;
  bool any = false;
};

template <class TsAt>
ends find_ends(size_t n, TsAt ts_at, timestamp_ms from, timestamp_ms to, bool smoothed) {
  ends out;
  if (n == 0)
    return out;
  out.last = n - 1;
  while (out.first + 1 < n && ts_at(out.first + 1) <= from)
    ++out.first;
  while (smoothed && out.last > 0 && ts_at(out.last - 1) >= to)
    --out.last;
  out.any = ts_at(out.last) > from && !(smoothed && ts_at(out.first) > to);
  return out;
}

void extend_floats(columns& c, timestamp_ms from, timestamp_ms to, bool smoothed) {
  const ends e = find_ends(
      c.ts.size(), [&](size_t i) { return c.ts[i]; }, from, to, smoothed);
  columns out;
  if (e.any) {
    const auto between = [&](size_t i, timestamp_ms t) {
      return interpolate(c.ts[i], c.values[i], c.ts[i + 1], c.values[i + 1], t, false);
    };
    out.ts.push_back(from);
    out.values.push_back(smoothed && c.ts[e.first] < from ? between(e.first, from)
                                                          : c.values[e.first]);
    for (size_t i = e.first; i <= e.last; ++i) {
      if (c.ts[i] > from && c.ts[i] < to) {
        out.ts.push_back(c.ts[i]);
        out.values.push_back(c.values[i]);
      }
    }
    out.ts.push_back(to);
    out.values.push_back(smoothed && e.last > 0 && c.ts[e.last] > to ? between(e.last - 1, to)
                                                                     : c.values[e.last]);
  }
  c.ts = std::move(out.ts);
  c.values = std::move(out.values);
  c.start_ts.clear();
}

histogram_ptr between_rows(const row& a, const row& b, timestamp_ms t, std::string_view metric_name,
                           position_range pos, annotations& notes) {
  histogram_ptr h =
      interpolate(a.ts, *a.value, b.ts, *b.value, t, is_counter(*b.value), pos, notes);
  if (!h)
    notes.warn(note::mixed_exponential_custom(metric_name), pos);
  return h;
}

void extend_histograms(columns& c, timestamp_ms from, timestamp_ms to, bool smoothed,
                       std::string_view metric_name, position_range pos, annotations& notes) {
  std::vector<row>& rows = c.histograms;
  const ends e = find_ends(
      rows.size(), [&](size_t i) { return rows[i].ts; }, from, to, smoothed);
  std::vector<row> out;
  if (e.any) {
    const histogram_ptr left =
        smoothed && rows[e.first].ts < from
            ? between_rows(rows[e.first], rows[e.first + 1], from, metric_name, pos, notes)
            : rows[e.first].value;
    const histogram_ptr right =
        smoothed && e.last > 0 && rows[e.last].ts > to
            ? between_rows(rows[e.last - 1], rows[e.last], to, metric_name, pos, notes)
            : rows[e.last].value;
    if (left && right) {
      out.push_back({from, no_start_timestamp, left});
      for (size_t i = e.first; i <= e.last; ++i)
        if (rows[i].ts > from && rows[i].ts < to)
          out.push_back(rows[i]);
      out.push_back({to, no_start_timestamp, right});
    }
  }
  rows = std::move(out);
}

}  // namespace

void extend_ends(columns& c, timestamp_ms from, timestamp_ms to, bool smoothed,
                 std::string_view metric_name, position_range pos, annotations& notes) {
  if (!c.ts.empty() && !c.histograms.empty()) {
    notes.warn(note::mixed_floats_histograms(metric_name), pos);
    c.clear();
    return;
  }
  extend_floats(c, from, to, smoothed);
  extend_histograms(c, from, to, smoothed, metric_name, pos, notes);
}

void smooth_at(const columns& c, timestamp_ms ref, int64_t lookback_ms,
               std::string_view metric_name, position_range pos, annotations& notes, uint32_t step,
               step_scratch& out) {
  const timestamp_ms from = saturating_sub(ref, lookback_ms);
  const timestamp_ms to = saturating_add(ref, lookback_ms);
  const auto f_lo = std::upper_bound(c.ts.begin(), c.ts.end(), from) - c.ts.begin();
  const auto f_hi = std::upper_bound(c.ts.begin(), c.ts.end(), to) - c.ts.begin();
  const auto after = [](timestamp_ms t, const row& r) { return t < r.ts; };
  const auto& rows = c.histograms;
  const auto h_lo = std::upper_bound(rows.begin(), rows.end(), from, after) - rows.begin();
  const auto h_hi = std::upper_bound(rows.begin(), rows.end(), to, after) - rows.begin();
  if (f_lo < f_hi && h_lo < h_hi) {
    notes.warn(note::mixed_floats_histograms(metric_name), pos);
    return;
  }
  if (f_lo < f_hi) {
    const auto next =
        std::lower_bound(c.ts.begin() + f_lo, c.ts.begin() + f_hi, ref) - c.ts.begin();
    const auto at = static_cast<size_t>(next);
    if (next < f_hi && c.ts[at] == ref)
      out.set(step, c.values[at]);
    else if (next > f_lo && next < f_hi)
      out.set(step,
              interpolate(c.ts[at - 1], c.values[at - 1], c.ts[at], c.values[at], ref, false));
    else if (next > f_lo)
      out.set(step, c.values[at - 1]);
    return;
  }
  if (h_lo == h_hi)
    return;
  auto at = static_cast<size_t>(h_lo);
  const auto end = static_cast<size_t>(h_hi);
  while (at < end && rows[at].ts < ref)
    ++at;
  const bool has_previous = at > static_cast<size_t>(h_lo);
  if (at < end && rows[at].ts == ref) {
    out.set(step, rows[at].value);
  } else if (has_previous && at < end) {
    if (histogram_ptr h = between_rows(rows[at - 1], rows[at], ref, metric_name, pos, notes))
      out.set(step, std::move(h));
  } else if (has_previous) {
    out.set(step, rows[at - 1].value);
  }
}

}  // namespace troupe::query
