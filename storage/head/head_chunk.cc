#include "storage/head/head_chunk.h"

#include "storage/base/check.h"
#include "storage/chunk/chunk.h"
#include "storage/chunk/columns.h"

#include <algorithm>

namespace troupe::storage {
namespace {

// The end of the run of `ts` that starts at `from` and fits into one chunk.
template <class GetTs>
size_t chunk_end(size_t from, size_t size, int64_t range_ms, const GetTs& ts) {
  const timestamp_ms start = range_start(ts(from), range_ms);
  size_t end = from + 1;
  while (end < size && end - from < head_chunk_samples && ts(end) - start < range_ms)
    ++end;
  return end;
}

head_chunk make_chunk(timestamp_ms min_ts, timestamp_ms max_ts, size_t samples, bool histograms,
                      std::string bytes) {
  bytes.shrink_to_fit();
  return {min_ts, max_ts, static_cast<uint32_t>(samples), histograms,
          std::make_shared<const std::string>(std::move(bytes))};
}

}  // namespace

timestamp_ms range_start(timestamp_ms ts, int64_t width) {
  const timestamp_ms rest = ts % width;
  if (rest >= 0)
    return ts - rest;
  // Near the smallest number the multiple below does not exist: stay at the end of the world.
  return ts < min_time + width ? min_time : ts - rest - width;
}

void encode_columns(const sample_columns& columns, int64_t range_ms, head_chunks& out) {
  const std::span ts(columns.ts);
  const std::span values(columns.values);
  const std::span starts(columns.start_ts);
  for (size_t i = 0; i < ts.size();) {
    const size_t end = chunk_end(i, ts.size(), range_ms, [&](size_t k) { return ts[k]; });
    const size_t n = end - i;
    out.push_back(make_chunk(ts[i], ts[end - 1], n, false,
                             encode_chunk(ts.subspan(i, n), values.subspan(i, n),
                                          starts.empty() ? starts : starts.subspan(i, n))));
    i = end;
  }
  const std::span rows(columns.histograms);
  for (size_t i = 0; i < rows.size();) {
    const size_t end = chunk_end(i, rows.size(), range_ms, [&](size_t k) { return rows[k].ts; });
    const size_t n = end - i;
    out.push_back(make_chunk(rows[i].ts, rows[end - 1].ts, n, true,
                             encode_histogram_chunk(rows.subspan(i, n))));
    i = end;
  }
}

void sort_chunks(head_chunks& chunks) {
  std::stable_sort(chunks.begin(), chunks.end(),
                   [](const head_chunk& a, const head_chunk& b) { return a.min_ts < b.min_ts; });
}

void decode_head_chunk(const head_chunk& chunk, timestamp_ms mint, timestamp_ms maxt,
                       sample_columns& out) {
  // We made these bytes and nobody else touches them: a failure is a bug or broken memory.
  TROUPE_CHECK(decode_chunk(*chunk.bytes, mint, maxt, out).ok());
}

timestamp_ms first_ts(const sample_columns& c) {
  timestamp_ms t = c.ts.empty() ? max_time : c.ts.front();
  return c.histograms.empty() ? t : std::min(t, c.histograms.front().ts);
}

timestamp_ms last_ts(const sample_columns& c) {
  timestamp_ms t = c.ts.empty() ? min_time : c.ts.back();
  return c.histograms.empty() ? t : std::max(t, c.histograms.back().ts);
}

void append_range(const sample_columns& from, timestamp_ms mint, timestamp_ms maxt,
                  sample_columns& out) {
  const auto lo = std::lower_bound(from.ts.begin(), from.ts.end(), mint) - from.ts.begin();
  const auto hi = std::upper_bound(from.ts.begin(), from.ts.end(), maxt) - from.ts.begin();
  if (from.start_ts.empty() && out.start_ts.empty() && lo < hi) {
    out.ts.insert(out.ts.end(), from.ts.begin() + lo, from.ts.begin() + hi);
    out.values.insert(out.values.end(), from.values.begin() + lo, from.values.begin() + hi);
  } else {
    for (auto i = static_cast<size_t>(lo); i < static_cast<size_t>(hi); ++i)
      append_float(out, from.ts[i], from.values[i],
                   from.start_ts.empty() ? no_start_timestamp : from.start_ts[i]);
  }
  for (const auto& row : from.histograms)
    if (row.ts >= mint && row.ts <= maxt)
      out.histograms.push_back(row);
}

}  // namespace troupe::storage
