// head_samples: what readers call.
#include "storage/chunk/columns.h"
#include "storage/head/head_samples.h"

#include <algorithm>
#include <array>

namespace troupe::storage {

void series_snapshot::clear() {
  view.reset();
  chunks.clear();
  open.clear();
  late.clear();
}

status series_snapshot::read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) const {
  // Lanes of chunks that follow each other; one lane is the rule.
  struct lane {
    timestamp_ms end = min_time;
    sample_columns columns;
  };
  std::vector<lane> lanes;
  const auto first_end = chunks.empty() ? min_time : chunks.front().max_ts;
  timestamp_ms end = first_end;
  bool in_order = is_empty(late);
  for (size_t i = 1; i < chunks.size() && in_order; ++i) {
    in_order = chunks[i].min_ts > end;
    end = std::max(end, chunks[i].max_ts);
  }
  in_order = in_order && (chunks.empty() || is_empty(open) || first_ts(open) > end);
  if (in_order) {
    for (const auto& c : chunks)
      TROUPE_TRY(decode_stored_chunk(c, mint, maxt, out));
    append_range(open, mint, maxt, out);
    return chunks.empty() ? status() : view->trusted(chunks);
  }
  for (const auto& c : chunks) {
    auto at =
        std::find_if(lanes.begin(), lanes.end(), [&](const lane& l) { return l.end < c.min_ts; });
    if (at == lanes.end())
      at = lanes.emplace(lanes.end());
    at->end = c.max_ts;
    TROUPE_TRY(decode_stored_chunk(c, mint, maxt, at->columns));
  }
  std::vector<sample_columns> parts;
  for (auto& l : lanes)
    parts.push_back(std::move(l.columns));
  append_range(open, mint, maxt, parts.emplace_back());
  append_range(late, mint, maxt, parts.emplace_back());
  sample_columns merged;
  merge_columns(parts, merged);
  append_range(merged, mint, maxt, out);
  return chunks.empty() ? status() : view->trusted(chunks);
}

// The open chunks' samples in [mint, maxt]. Under the page's lock, or by the writer.
void head_samples::read_open(const head_series& s, timestamp_ms mint, timestamp_ms maxt,
                             sample_columns& out) const {
  const series_extra* x = extra(s);
  if (s.count_ != 0) {
    std::array<timestamp_ms, 256> times;
    std::array<double, 256> values;
    const auto ts = std::span(times).first(s.count_);
    times_.read(s.segment_, s.first_row_, ts);
    const auto lo = std::lower_bound(ts.begin(), ts.end(), mint) - ts.begin();
    const auto hi = std::upper_bound(ts.begin(), ts.end(), maxt) - ts.begin();
    if (lo < hi) {
      read_values(slab_, s.values_, std::span(values).first(s.count_));
      out.ts.insert(out.ts.end(), ts.begin() + lo, ts.begin() + hi);
      out.values.insert(out.values.end(), values.begin() + lo, values.begin() + hi);
      if (x != nullptr && !x->starts.empty()) {
        out.start_ts.resize(out.ts.size(), no_start_timestamp);
        for (const auto& run : x->starts)
          std::fill(out.start_ts.end() - std::clamp(hi - run.row, ptrdiff_t{0}, hi - lo),
                    out.start_ts.end(), run.start_ts);
      }
    }
  }
  if (x != nullptr)
    for (const auto& row : x->rows)
      if (row.ts >= mint && row.ts <= maxt)
        out.histograms.push_back(row);
}

status head_samples::snapshot(const head_series& s, timestamp_ms mint, timestamp_ms maxt,
                              series_snapshot& out) const {
  out.clear();
  chunk_position last;
  {
    const page_guard guard(s);
    last = newest(s);
    read_open(s, mint, maxt, out.open);
    if (const series_extra* x = extra(s))
      append_range(x->late, mint, maxt, out.late);
  }
  // From after that moment: it holds all that the series refers to, or a block has it already.
  out.view = chunks_.view();
  const status read = out.view->for_each(last, [&](const stored_chunk& c) {
    if (c.overlaps(mint, maxt))
      out.chunks.push_back(c);
  });
  std::stable_sort(out.chunks.begin(), out.chunks.end(),
                   [](const auto& a, const auto& b) { return a.min_ts < b.min_ts; });
  return read;
}

status head_samples::snapshot_set_aside(const head_series& s, timestamp_ms mint, timestamp_ms maxt,
                                        series_snapshot& out) const {
  TROUPE_TRY(snapshot(s, mint, maxt, out));
  std::erase_if(out.chunks, [&](const stored_chunk& c) { return !out.view->is_set_aside(c); });
  out.open.clear();
  out.late.clear();
  return {};
}

// Under the page's lock, or by the writer.
bool head_samples::open_overlaps(const head_series& s, timestamp_ms mint, timestamp_ms maxt) const {
  if (const series_extra* x = extra(s))
    if (!x->rows.empty() && x->rows.front().ts <= maxt && mint <= x->rows.back().ts)
      return true;
  if (s.count_ == 0)
    return false;
  const auto [first, last] = times_.extent(s.segment_);
  if (last < mint || maxt < first)
    return false;
  std::array<timestamp_ms, 256> times;
  const auto ts = std::span(times).first(s.count_);
  times_.read(s.segment_, s.first_row_, ts);
  return ts.front() <= maxt && mint <= ts.back();
}

bool head_samples::overlaps(const head_series& s, timestamp_ms mint, timestamp_ms maxt) const {
  chunk_position last;
  {
    const page_guard guard(s);
    if (open_overlaps(s, mint, maxt))
      return true;
    const series_extra* x = extra(s);
    if (x && !is_empty(x->late) && storage::first_ts(x->late) <= maxt &&
        mint <= storage::last_ts(x->late))
      return true;
    last = newest(s);
  }
  bool any = false;
  const status read = chunks_.view()->for_each(
      last, [&](const stored_chunk& c) { any = any || c.overlaps(mint, maxt); });
  return any || !read.ok();
}

std::optional<std::pair<timestamp_ms, timestamp_ms>> head_samples::time_range(
    const head_series& s) const {
  series_snapshot all;
  if (const status read = snapshot(s, min_time, max_time, all); !read.ok())
    return std::pair(min_time, max_time);
  timestamp_ms lo = max_time, hi = min_time;
  const auto widen = [&](timestamp_ms first, timestamp_ms last) {
    lo = std::min(lo, first);
    hi = std::max(hi, last);
  };
  for (const auto& c : all.chunks)
    widen(c.min_ts, c.max_ts);
  for (const auto* columns : {&all.open, &all.late})
    if (!is_empty(*columns))
      widen(storage::first_ts(*columns), storage::last_ts(*columns));
  if (lo > hi)
    return std::nullopt;
  return std::pair(lo, hi);
}

uint32_t head_samples::chunk_count(const head_series& s) const {
  size_t n = 0;
  chunk_position last;
  {
    const page_guard guard(s);
    const series_extra* x = extra(s);
    n += s.count_ != 0;
    n += x != nullptr && !x->rows.empty();
    n += x != nullptr && !is_empty(x->late);
    last = newest(s);
  }
  chunks_.view()->for_each(last, [&](const stored_chunk&) { ++n; }).ignore();
  return static_cast<uint32_t>(n);
}

void head_samples::add_ranges(const head_series& s, std::set<timestamp_ms>& ranges) const {
  series_snapshot all;
  snapshot(s, min_time, max_time, all).ignore();
  for (const auto& c : all.chunks)
    ranges.insert(range_start(c.min_ts, range_ms_));
  for (const auto* columns : {&all.open, &all.late}) {
    for (const timestamp_ms ts : columns->ts)
      ranges.insert(range_start(ts, range_ms_));
    for (const auto& row : columns->histograms)
      ranges.insert(range_start(row.ts, range_ms_));
  }
}

}  // namespace troupe::storage
