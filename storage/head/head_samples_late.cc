// head_samples: late samples, repetitions and conflicts, erasure.
#include "storage/base/check.h"
#include "storage/base/fault_twin.h"
#include "storage/chunk/columns.h"
#include "storage/head/head_samples.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace troupe::storage {
namespace {

/// Late samples of a series before they become chunks.
constexpr size_t max_late_samples = 64;
/// Chunks of late samples before all chunks of the series are merged.
constexpr uint32_t max_late_chunks = 16;

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

void set_start(sample_columns& c, size_t i, timestamp_ms start_ts) {
  if (c.start_ts.empty()) {
    if (start_ts == no_start_timestamp)
      return;
    c.start_ts.resize(c.ts.size(), no_start_timestamp);
  }
  c.start_ts[i] = start_ts;
}

// Sorted insertion of a float, replacing one with the same timestamp.
void put_float(sample_columns& c, timestamp_ms ts, double value, timestamp_ms start_ts) {
  const auto at = std::lower_bound(c.ts.begin(), c.ts.end(), ts);
  const auto i = static_cast<size_t>(at - c.ts.begin());
  if (at != c.ts.end() && *at == ts) {
    c.values[i] = value;
    return set_start(c, i, start_ts);
  }
  c.ts.insert(at, ts);
  c.values.insert(c.values.begin() + static_cast<ptrdiff_t>(i), value);
  if (!c.start_ts.empty())
    c.start_ts.insert(c.start_ts.begin() + static_cast<ptrdiff_t>(i), start_ts);
  else if (start_ts != no_start_timestamp)
    set_start(c, i, start_ts);
}

template <class Rows>
auto row_at(Rows& rows, timestamp_ms ts) {
  return std::lower_bound(rows.begin(), rows.end(), ts,
                          [](const auto& r, timestamp_ms t) { return r.ts < t; });
}

void put_row(sample_columns& c, sample_columns::histogram_row row) {
  const auto at = row_at(c.histograms, row.ts);
  if (at != c.histograms.end() && at->ts == row.ts)
    *at = std::move(row);
  else
    c.histograms.insert(at, std::move(row));
}

void erase_float(sample_columns& c, timestamp_ms ts) {
  const auto at = std::lower_bound(c.ts.begin(), c.ts.end(), ts);
  if (at == c.ts.end() || *at != ts)
    return;
  const auto i = at - c.ts.begin();
  c.ts.erase(at);
  c.values.erase(c.values.begin() + i);
  if (!c.start_ts.empty())
    c.start_ts.erase(c.start_ts.begin() + i);
}

}  // namespace

// The chunks that are not released, the oldest first. The store keeps their bytes until the writer
// releases a cut. Those behind a damaged one are out of reach: `damage` tells.
std::vector<stored_chunk> head_samples::chunks_of(const head_series& s, status* damage) const {
  std::vector<stored_chunk> out;
  const status read =
      chunks_.now().for_each(newest(s), [&](const stored_chunk& c) { out.push_back(c); });
  if (damage != nullptr)
    *damage = read;
  std::reverse(out.begin(), out.end());
  return out;
}

// The sample that readers get for `ts`. Late ones first: they win against the rest.
bool head_samples::find(const head_series& s, timestamp_ms ts, found& out) {
  const auto take = [&](const sample_columns& c) {
    const auto row = row_at(c.histograms, ts);
    if (row != c.histograms.end() && row->ts == ts) {
      out = {0, row->start_ts, row->value};
      return true;
    }
    const auto at = std::lower_bound(c.ts.begin(), c.ts.end(), ts);
    if (at == c.ts.end() || *at != ts)
      return false;
    const auto i = static_cast<size_t>(at - c.ts.begin());
    out = {c.values[i], c.start_ts.empty() ? no_start_timestamp : c.start_ts[i], nullptr};
    return true;
  };
  if (const series_extra* x = extra(s)) {
    if (take(x->late))
      return true;
    if (x->in_gap(ts))
      return false;
  }
  std::vector<sample_columns> inputs(1);
  read_open(s, ts, ts, inputs[0]);
  for (const auto& c : chunks_of(s))
    if (c.overlaps(ts, ts))
      decode_stored_chunk(c, ts, ts, inputs.emplace_back()).ignore();  // a damaged one has none
  sample_columns winner;
  merge_columns(inputs, winner);
  return take(winner);
}

insert_result head_samples::insert_late(head_series& s, timestamp_ms ts, double value,
                                        timestamp_ms start_ts) {
  found old;
  if (!find(s, ts, old)) {
    put_late(s, ts, value, start_ts);
    return insert_result::stored_out_of_order;
  }
  if (!old.hist && same_bits(old.value, value)) {
    if (TROUPE_FAULT(apply_twice))
      return insert_late(s, ts + 1, value, start_ts);
    if (start_ts > old.start_ts)
      put_late(s, ts, value, start_ts);
    return insert_result::duplicate;
  }
  const bool wins = !old.hist && troupe::loses_against(old.value, value);
  if (wins && !TROUPE_FAULT(conflict_first_wins))
    put_late(s, ts, value, start_ts);
  return insert_result::conflict;
}

insert_result head_samples::insert_late(head_series& s, sample_columns::histogram_row row) {
  found old;
  if (!find(s, row.ts, old)) {
    put_late(s, std::move(row));
    return insert_result::stored_out_of_order;
  }
  if (old.hist && *old.hist == *row.value) {
    if (row.start_ts > old.start_ts)
      put_late(s, std::move(row));
    return insert_result::duplicate;
  }
  const bool wins = !old.hist || loses_against(*old.hist, *row.value);
  if (wins && !TROUPE_FAULT(conflict_first_wins))
    put_late(s, std::move(row));
  return insert_result::conflict;
}

held_sample head_samples::holds(const head_series& s, timestamp_ms ts, double value,
                                timestamp_ms start_ts) {
  found old;
  if (ts > last_ts(s) || !find(s, ts, old))
    return held_sample::none;
  if (!old.hist && same_bits(old.value, value))
    return start_ts <= old.start_ts ? held_sample::same : held_sample::none;
  const bool wins = !old.hist && troupe::loses_against(old.value, value);
  return wins ? held_sample::none : held_sample::winner;
}

held_sample head_samples::holds(const head_series& s, const sample_columns::histogram_row& row) {
  found old;
  if (row.ts > last_ts(s) || !find(s, row.ts, old))
    return held_sample::none;
  if (old.hist && *old.hist == *row.value)
    return row.start_ts <= old.start_ts ? held_sample::same : held_sample::none;
  const bool wins = !old.hist || loses_against(*old.hist, *row.value);
  return wins ? held_sample::none : held_sample::winner;
}

// Makes the gap that of `ts`, which is about to become a late sample.
void head_samples::enter_gap(const head_series& s, series_extra& x, timestamp_ms ts) {
  timestamp_ms lo = min_time;
  // In-order samples only come behind the last one.
  timestamp_ms hi = x.last_ts == max_time ? max_time : x.last_ts + 1;
  bool inside = false;
  const auto pass = [&](timestamp_ms first, timestamp_ms last) {
    inside = inside || (first <= ts && ts <= last);
    if (last < ts)
      lo = std::max(lo, last);
    if (first > ts)
      hi = std::min(hi, first);
  };
  status damage;
  for (const auto& c : chunks_of(s, &damage))
    pass(c.min_ts, c.max_ts);
  if (s.count_ != 0)
    pass(times_.rows(s.segment_)[s.first_row_], last_open_ts(s));
  if (!x.rows.empty())
    pass(x.rows.front().ts, x.rows.back().ts);
  if (inside || !damage.ok()) {
    x.scattered = true;
    return;
  }
  x.scattered =
      x.scattered ||
      (!is_empty(x.late) && (storage::first_ts(x.late) <= lo || storage::last_ts(x.late) >= hi));
  x.gap_lo = lo;
  x.gap_hi = hi;
}

// The late samples are about to be closed: only what lies behind them is a gap still.
void head_samples::shrink_gap(series_extra& x) {
  const auto at = std::lower_bound(x.late.ts.begin(), x.late.ts.end(), x.gap_hi);
  if (at != x.late.ts.begin())
    x.gap_lo = std::max(x.gap_lo, *std::prev(at));
  const auto row = row_at(x.late.histograms, x.gap_hi);
  if (row != x.late.histograms.begin())
    x.gap_lo = std::max(x.gap_lo, std::prev(row)->ts);
}

void head_samples::put_late(head_series& s, timestamp_ms ts, double value, timestamp_ms start_ts) {
  series_extra& x = need_extra(s);
  if (!x.in_gap(ts))
    enter_gap(s, x, ts);
  {
    const page_guard guard(s);
    put_float(x.late, ts, value, start_ts);
  }
  x.last_ts = std::max(x.last_ts, ts);
  if (column_size(x.late) >= max_late_samples)
    fold_late(s);
}

void head_samples::put_late(head_series& s, sample_columns::histogram_row row) {
  series_extra& x = need_extra(s);
  if (!x.in_gap(row.ts))
    enter_gap(s, x, row.ts);
  x.last_ts = std::max(x.last_ts, row.ts);
  {
    const page_guard guard(s);
    erase_float(x.late, row.ts);
    put_row(x.late, std::move(row));
  }
  if (column_size(x.late) >= max_late_samples)
    fold_late(s);
}

// Chunks of all samples of `columns` in front of `previous`; the newest of them.
chunk_position head_samples::add_columns(const sample_columns& columns, uint32_t cut,
                                         chunk_position previous) {
  encode_columns(columns, range_ms_, chunks_.now().bound,
                 [&](const encoded_chunk& c) { previous = add_whole(c, cut, previous); });
  return previous;
}

// The late samples become chunks that may overlap others.
void head_samples::fold_late(head_series& s) {
  series_extra* x = extra(s);
  if (x == nullptr || is_empty(x->late))
    return;
  const chunk_position added = add_columns(x->late, cut_of(s), newest(s));
  shrink_gap(*x);
  {
    const page_guard guard(s);
    set_newest(s, added);
    x->late = {};
  }
  if (std::exchange(x->scattered, false) && ++x->late_chunks >= max_late_chunks)
    put_in_order(s);
}

// Merges all chunks but those that are set aside. Damaged ones stay as they are: who reads them is
// told, and the log has their samples.
void head_samples::put_in_order(head_series& s) {
  extra(s)->late_chunks = 0;
  chunk_position last = 0;
  std::vector<sample_columns> inputs;
  status damage;
  for (const auto& c : chunks_of(s, &damage)) {
    sample_columns columns;
    if (!damage.ok() || !decode_stored_chunk(c, c.min_ts, c.max_ts, columns).ok())
      return;
    if (chunks_.now().is_set_aside(c))
      last = add_columns(columns, c.cut, last);
    else
      inputs.push_back(std::move(columns));
  }
  sample_columns merged;
  merge_columns(inputs, merged);
  last = add_columns(merged, cut_of(s), last);
  const page_guard guard(s);
  set_newest(s, last);
}

void head_samples::split(head_series& s) {
  const timestamp_ms bound = chunks_.now().bound;
  status damage;
  const auto chunks = chunks_of(s, &damage);
  if (damage.ok())
    rewrite(s, chunks, {},
            [&](const stored_chunk& c) { return c.min_ts < bound && c.max_ts >= bound; });
}

void head_samples::erase(head_series& s, timestamp_ms mint, timestamp_ms maxt) {
  const time_intervals gone{{mint, maxt}};
  if (series_extra* x = extra(s)) {
    const page_guard guard(s);
    remove_intervals(gone, x->late);
  }
  if (open_overlaps(s, mint, maxt)) {
    close_open(s);
    close_rows(s);
  }
  status damage;
  const auto chunks = chunks_of(s, &damage);
  if (damage.ok())
    rewrite(s, chunks, gone, [&](const stored_chunk& c) { return c.overlaps(mint, maxt); });
}

template <class F>
void head_samples::rewrite(head_series& s, std::span<const stored_chunk> chunks,
                           const time_intervals& gone, const F& concerned) {
  const auto first = std::find_if(chunks.begin(), chunks.end(), concerned);
  if (first == chunks.end())
    return;
  // A chunk leads to its older ones: they stay, all newer ones are made anew.
  chunk_position last = first == chunks.begin() ? 0 : std::prev(first)->position;
  for (const auto& c : chunks.subspan(first - chunks.begin())) {
    sample_columns columns;
    if (!decode_stored_chunk(c, c.min_ts, c.max_ts, columns).ok())
      return;
    remove_intervals(gone, columns);
    last = add_columns(columns, c.cut, last);
  }
  const page_guard guard(s);
  set_newest(s, last);
}

}  // namespace troupe::storage
