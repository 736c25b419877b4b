#include "storage/head/head_series.h"

#include "storage/base/fault_twin.h"
#include "storage/chunk/columns.h"

#include <algorithm>
#include <bit>
#include <mutex>

namespace troupe::storage {
namespace {

/// Late samples of a series before they are folded into chunks.
constexpr size_t max_late_samples = 64;

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

timestamp_ms start_at(const sample_columns& c, size_t i) {
  return c.start_ts.empty() ? no_start_timestamp : c.start_ts[i];
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

void put_row(sample_columns& c, sample_columns::histogram_row row) {
  const auto at = std::lower_bound(c.histograms.begin(), c.histograms.end(), row.ts,
                                   [](const auto& r, timestamp_ms t) { return r.ts < t; });
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

void copy_overlapping(const head_chunks& from, timestamp_ms mint, timestamp_ms maxt,
                      head_chunks& out) {
  for (const auto& c : from)
    if (c.overlaps(mint, maxt))
      out.push_back(c);
}

bool any_overlaps(const head_chunks& chunks, timestamp_ms mint, timestamp_ms maxt) {
  return std::any_of(chunks.begin(), chunks.end(),
                     [&](const head_chunk& c) { return c.overlaps(mint, maxt); });
}

bool column_overlaps(const sample_columns& c, timestamp_ms mint, timestamp_ms maxt) {
  return !is_empty(c) && first_ts(c) <= maxt && mint <= last_ts(c);
}

// Re-encodes the chunks that hold samples in the interval, without those samples.
void erase_from_chunks(head_chunks& chunks, const time_interval& gone, int64_t range_ms) {
  head_chunks kept;
  for (auto& c : chunks) {
    if (!c.overlaps(gone.min, gone.max)) {
      kept.push_back(std::move(c));
      continue;
    }
    sample_columns columns;
    decode_head_chunk(c, c.min_ts, c.max_ts, columns);
    remove_intervals({gone}, columns);
    encode_columns(columns, range_ms, kept);
  }
  sort_chunks(kept);
  chunks = std::move(kept);
}

}  // namespace

void series_snapshot::clear() {
  sealed.clear();
  chunks.clear();
  open.clear();
  late.clear();
}

void series_snapshot::read(timestamp_ms mint, timestamp_ms maxt, sample_columns& out) const {
  const auto decode = [&](const head_chunks& from, sample_columns& to) {
    for (const auto& c : from)
      if (c.overlaps(mint, maxt))
        decode_head_chunk(c, mint, maxt, to);
  };
  timestamp_ms sealed_end = min_time, rest_start = is_empty(open) ? max_time : first_ts(open);
  for (const auto& c : sealed)
    sealed_end = std::max(sealed_end, c.max_ts);
  for (const auto& c : chunks)
    rest_start = std::min(rest_start, c.min_ts);
  if (is_empty(late) && (sealed.empty() || sealed_end < rest_start)) {
    decode(sealed, out);
    decode(chunks, out);
    append_range(open, mint, maxt, out);
    return;
  }
  sample_columns parts[3];
  decode(sealed, parts[0]);
  decode(chunks, parts[1]);
  append_range(open, mint, maxt, parts[1]);
  append_range(late, mint, maxt, parts[2]);
  sample_columns merged;
  merge_columns(parts, merged);
  append_range(merged, mint, maxt, out);
}

insert_result head_series::insert(timestamp_ms ts, double value, timestamp_ms start_ts) {
  const std::lock_guard guard(lock_);
  if (ts <= last_ts_)
    return insert_late(ts, value, start_ts);
  last_ts_ = ts;
  if (ts >= open_end_ || open_.ts.size() >= head_chunk_samples)
    roll(ts);
  append_float(open_, ts, value, start_ts);
  return insert_result::stored;
}

insert_result head_series::insert(sample_columns::histogram_row row) {
  const std::lock_guard guard(lock_);
  if (row.ts <= last_ts_)
    return insert_late(std::move(row));
  last_ts_ = row.ts;
  if (row.ts >= open_end_ || open_.histograms.size() >= head_chunk_samples)
    roll(row.ts);
  open_.histograms.push_back(std::move(row));
  return insert_result::stored;
}

// Starts a new open chunk for `ts`.
void head_series::roll(timestamp_ms ts) {
  close_open();
  const timestamp_ms start = range_start(ts, range_ms_);
  open_end_ = start > max_time - range_ms_ ? max_time : start + range_ms_;
}

void head_series::close_open() {
  if (is_empty(open_))
    return;
  encode_columns(open_, range_ms_, chunks_);
  sort_chunks(chunks_);
  open_ = {};
}

sample_columns& head_series::late() {
  if (!late_)
    late_ = std::make_unique<sample_columns>();
  return *late_;
}

// The sample that readers get for `ts`. `late_` first: what it holds wins against the rest.
bool head_series::find(timestamp_ms ts, found& out) const {
  const auto look_into = [&](const sample_columns& c) {
    const auto row = std::lower_bound(c.histograms.begin(), c.histograms.end(), ts,
                                      [](const auto& r, timestamp_ms t) { return r.ts < t; });
    if (row != c.histograms.end() && row->ts == ts) {
      out = {0, row->start_ts, row->value};
      return true;
    }
    const auto at = std::lower_bound(c.ts.begin(), c.ts.end(), ts);
    if (at == c.ts.end() || *at != ts)
      return false;
    const auto i = static_cast<size_t>(at - c.ts.begin());
    out = {c.values[i], start_at(c, i), nullptr};
    return true;
  };
  if ((late_ && look_into(*late_)) || look_into(open_))
    return true;
  sample_columns inputs[2];
  for (const auto& c : chunks_)
    if (c.overlaps(ts, ts))
      decode_head_chunk(c, ts, ts, inputs[0]);
  for (const auto& c : sealed_)
    if (c.overlaps(ts, ts))
      decode_head_chunk(c, ts, ts, inputs[1]);
  sample_columns winner;
  merge_columns(inputs, winner);
  return look_into(winner);
}

insert_result head_series::insert_late(timestamp_ms ts, double value, timestamp_ms start_ts) {
  found old;
  if (!find(ts, old)) {
    const bool inside_open = !open_.ts.empty() && ts > open_.ts.front();
    if (inside_open)
      put_float(open_, ts, value, start_ts);
    else
      put_late(ts, value, start_ts);
    if (inside_open && open_.ts.size() > head_chunk_samples)
      close_open();
    return insert_result::stored_out_of_order;
  }
  if (!old.hist && same_bits(old.value, value)) {
    if (TROUPE_FAULT(apply_twice)) {
      last_ts_ = std::max(last_ts_, ts + 1);
      return insert_late(ts + 1, value, start_ts);
    }
    if (start_ts > old.start_ts && !replace_open(ts, value, start_ts))
      put_late(ts, value, start_ts);
    return insert_result::duplicate;
  }
  const bool wins = !old.hist && troupe::loses_against(old.value, value);
  if (wins && !TROUPE_FAULT(conflict_first_wins) && !replace_open(ts, value, start_ts))
    put_late(ts, value, start_ts);
  return insert_result::conflict;
}

insert_result head_series::insert_late(sample_columns::histogram_row row) {
  found old;
  if (!find(row.ts, old)) {
    put_late(std::move(row));
    return insert_result::stored_out_of_order;
  }
  if (old.hist && *old.hist == *row.value) {
    if (row.start_ts > old.start_ts)
      put_late(std::move(row));
    return insert_result::duplicate;
  }
  const bool wins = !old.hist || loses_against(*old.hist, *row.value);
  if (wins && !TROUPE_FAULT(conflict_first_wins)) {
    erase_float(open_, row.ts);
    if (late_)
      erase_float(*late_, row.ts);
    put_late(std::move(row));
  }
  return insert_result::conflict;
}

// Replaces a float of the open chunk; false if it is not there, or a late one stands above it.
bool head_series::replace_open(timestamp_ms ts, double value, timestamp_ms start_ts) {
  if (late_ && std::binary_search(late_->ts.begin(), late_->ts.end(), ts))
    return false;
  const auto at = std::lower_bound(open_.ts.begin(), open_.ts.end(), ts);
  if (at == open_.ts.end() || *at != ts)
    return false;
  put_float(open_, ts, value, start_ts);
  return true;
}

void head_series::put_late(timestamp_ms ts, double value, timestamp_ms start_ts) {
  put_float(late(), ts, value, start_ts);
  if (column_size(*late_) >= max_late_samples)
    fold_late();
}

void head_series::put_late(sample_columns::histogram_row row) {
  put_row(late(), std::move(row));
  if (column_size(*late_) >= max_late_samples)
    fold_late();
}

// Merges the late samples with the chunks of their time.
void head_series::fold_late() {
  if (!late_ || is_empty(*late_))
    return;
  const timestamp_ms lo = first_ts(*late_), hi = last_ts(*late_);
  if (column_overlaps(open_, lo, hi))
    close_open();
  sample_columns inputs[2];
  head_chunks kept;
  for (auto& c : chunks_) {
    if (c.overlaps(lo, hi))
      decode_head_chunk(c, c.min_ts, c.max_ts, inputs[0]);
    else
      kept.push_back(std::move(c));
  }
  inputs[1] = std::move(*late_);
  late_.reset();
  sample_columns merged;
  merge_columns(inputs, merged);
  encode_columns(merged, range_ms_, kept);
  sort_chunks(kept);
  chunks_ = std::move(kept);
}

void head_series::snapshot(timestamp_ms mint, timestamp_ms maxt, series_snapshot& out) const {
  out.clear();
  const std::lock_guard guard(lock_);
  copy_overlapping(sealed_, mint, maxt, out.sealed);
  copy_overlapping(chunks_, mint, maxt, out.chunks);
  append_range(open_, mint, maxt, out.open);
  if (late_)
    append_range(*late_, mint, maxt, out.late);
}

void head_series::snapshot_sealed(timestamp_ms mint, timestamp_ms maxt,
                                  series_snapshot& out) const {
  out.clear();
  const std::lock_guard guard(lock_);
  copy_overlapping(sealed_, mint, maxt, out.sealed);
}

bool head_series::overlaps(timestamp_ms mint, timestamp_ms maxt) const {
  const std::lock_guard guard(lock_);
  return column_overlaps(open_, mint, maxt) || any_overlaps(chunks_, mint, maxt) ||
         any_overlaps(sealed_, mint, maxt) || (late_ && column_overlaps(*late_, mint, maxt));
}

std::optional<std::pair<timestamp_ms, timestamp_ms>> head_series::time_range() const {
  const std::lock_guard guard(lock_);
  timestamp_ms lo = max_time, hi = min_time;
  const auto widen = [&](timestamp_ms first, timestamp_ms last) {
    lo = std::min(lo, first);
    hi = std::max(hi, last);
  };
  for (const auto* list : {&sealed_, &chunks_})
    for (const auto& c : *list)
      widen(c.min_ts, c.max_ts);
  if (!is_empty(open_))
    widen(first_ts(open_), last_ts(open_));
  if (late_ && !is_empty(*late_))
    widen(first_ts(*late_), last_ts(*late_));
  if (lo > hi)
    return std::nullopt;
  return std::pair(lo, hi);
}

uint32_t head_series::chunk_count() const {
  const std::lock_guard guard(lock_);
  const size_t n = sealed_.size() + chunks_.size() + (open_.ts.empty() ? 0 : 1) +
                   (open_.histograms.empty() ? 0 : 1) + (late_ ? 1 : 0);
  return static_cast<uint32_t>(n);
}

void head_series::erase(timestamp_ms mint, timestamp_ms maxt) {
  const std::lock_guard guard(lock_);
  const time_interval gone{mint, maxt};
  erase_from_chunks(sealed_, gone, range_ms_);
  erase_from_chunks(chunks_, gone, range_ms_);
  remove_intervals({gone}, open_);
  if (late_) {
    remove_intervals({gone}, *late_);
    if (is_empty(*late_))
      late_.reset();
  }
}

void head_series::seal(timestamp_ms bound, std::set<timestamp_ms>& ranges) {
  const std::lock_guard guard(lock_);
  fold_late();
  if (!is_empty(open_) && first_ts(open_) < bound)
    close_open();
  head_chunks kept;
  for (auto& c : chunks_) {
    if (c.max_ts < bound)
      sealed_.push_back(std::move(c));
    else
      kept.push_back(std::move(c));
  }
  chunks_ = std::move(kept);
  for (const auto& c : sealed_)
    ranges.insert(range_start(c.min_ts, range_ms_));
}

void head_series::release_sealed() {
  const std::lock_guard guard(lock_);
  head_chunks().swap(sealed_);
}

void head_series::add_ranges(std::set<timestamp_ms>& ranges) const {
  const std::lock_guard guard(lock_);
  for (const auto* list : {&sealed_, &chunks_})
    for (const auto& c : *list)
      ranges.insert(range_start(c.min_ts, range_ms_));
  const auto add_columns = [&](const sample_columns& columns) {
    for (const timestamp_ms ts : columns.ts)
      ranges.insert(range_start(ts, range_ms_));
    for (const auto& row : columns.histograms)
      ranges.insert(range_start(row.ts, range_ms_));
  };
  add_columns(open_);
  if (late_)
    add_columns(*late_);
}

}  // namespace troupe::storage
