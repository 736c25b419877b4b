#include "storage/head/head_chunk.h"

#include "storage/base/coding.h"
#include "storage/base/hash.h"
#include "storage/chunk/chunk.h"
#include "storage/chunk/columns.h"
#include "storage/chunk/time_column.h"
#include "storage/chunk/value_column.h"

#include <algorithm>

namespace troupe::storage {
namespace {

// The end of the run of `ts` that starts at `from` and fits into one chunk.
template <class GetTs>
size_t chunk_end(size_t from, size_t size, int64_t range_ms, timestamp_ms bound, const GetTs& ts) {
  const timestamp_ms start = range_start(ts(from), range_ms);
  const bool before = ts(from) < bound;
  size_t end = from + 1;
  while (end < size && end - from < head_chunk_samples && ts(end) - start < range_ms &&
         (ts(end) < bound) == before)
    ++end;
  return end;
}

// crc32c of the rest u32, size varint, the bytes.
std::string frame(std::string_view body) {
  std::string rest;
  put_bytes(rest, body);
  std::string out;
  put_u32(out, crc32c(rest));
  return out += rest;
}

bool unframe(std::string_view region, uint64_t offset, std::string_view& body) {
  if (offset >= region.size())
    return false;
  byte_reader in(region.substr(offset));
  const uint32_t crc = in.u32();
  const char* rest = in.position();
  body = in.bytes();
  return !in.failed() && crc32c({rest, static_cast<size_t>(in.position() - rest)}) == crc;
}

status damaged(const char* what) {
  return {errc::corruption, std::string("chunk of the head: ") + what};
}

}  // namespace

timestamp_ms range_start(timestamp_ms ts, int64_t width) {
  const timestamp_ms rest = ts % width;
  if (rest >= 0)
    return ts - rest;
  // Near the smallest number the multiple below does not exist: stay at the end of the world.
  return ts < min_time + width ? min_time : ts - rest - width;
}

std::string pack_chunk(const stored_chunk& c, chunk_position column, std::string_view content) {
  std::string body;
  put_varint(body, c.cut);
  put_varint(body, c.previous == 0 ? 0 : c.position - c.previous);
  put_varint(body, column == 0 ? 0 : c.position - column);
  put_svarint(body, c.min_ts);
  put_varint(body, static_cast<uint64_t>(c.max_ts) - static_cast<uint64_t>(c.min_ts));
  put_varint(body, c.samples);
  put_varint(body, c.first_row);
  body += content;
  return frame(body);
}

std::string pack_times(std::span<const timestamp_ms> ts) {
  std::string times;
  const time_form form = encode_times(ts, times);
  std::string body;
  put_u8(body, static_cast<uint8_t>(ts.size()));
  put_u8(body, static_cast<uint8_t>(form));
  return frame(body += times);
}

std::string pack_values(std::span<const double> values) {
  std::string out;
  put_u8(out, 0);
  out[0] = static_cast<char>(encode_values(values, out));
  return out;
}

bool parse_chunk(std::string_view region, chunk_position begin, chunk_position position,
                 stored_chunk& out) {
  std::string_view body;
  if (position < begin || !unframe(region, position - begin, body))
    return false;
  byte_reader in(body);
  out.position = position;
  out.cut = static_cast<uint32_t>(in.varint());
  const uint64_t back = in.varint(), column = in.varint();
  out.min_ts = in.svarint();
  out.max_ts = static_cast<timestamp_ms>(static_cast<uint64_t>(out.min_ts) + in.varint());
  out.samples = static_cast<uint32_t>(in.varint());
  out.first_row = static_cast<uint32_t>(in.varint());
  if (in.failed() || back > position || column > position - begin)
    return false;
  out.previous = back == 0 ? 0 : position - back;
  out.content = in.take(in.remaining());
  out.times = {};
  return column == 0 || unframe(region, position - column - begin, out.times);
}

size_t find_bad_record(std::string_view region) {
  size_t at = 0;
  std::string_view body;
  while (at < region.size() && unframe(region, at, body))
    at = static_cast<size_t>(body.data() + body.size() - region.data());
  return at;
}

status decode_stored_chunk(const stored_chunk& chunk, timestamp_ms mint, timestamp_ms maxt,
                           sample_columns& out) {
  if (chunk.times.empty())
    return decode_chunk(chunk.content, mint, maxt, out);
  byte_reader times(chunk.times);
  const size_t rows = times.u8();
  const uint8_t form = times.u8();
  timestamp_ms all[256];
  if (rows == 0 || form > static_cast<uint8_t>(time_form::packed) ||
      !decode_times(times, static_cast<time_form>(form), std::span(all, rows)) || !times.at_end())
    return damaged("timestamps do not hold");
  const size_t n = chunk.samples;
  if (n == 0 || n > rows || chunk.first_row > rows - n)
    return damaged("more values than timestamps");
  const std::span ts(all + chunk.first_row, n);
  const auto lo = std::lower_bound(ts.begin(), ts.end(), mint) - ts.begin();
  const auto hi = std::upper_bound(ts.begin(), ts.end(), maxt) - ts.begin();
  if (lo >= hi)
    return {};
  byte_reader in(chunk.content);
  const uint8_t kind = in.u8();
  double values[256];
  const auto wanted = std::span(values).first(static_cast<size_t>(hi - lo));
  if (!is_value_form(kind) ||
      !decode_values(in, static_cast<value_form>(kind), n, static_cast<size_t>(lo), wanted) ||
      !in.at_end())
    return damaged("values do not hold");
  out.ts.insert(out.ts.end(), ts.begin() + lo, ts.begin() + hi);
  out.values.insert(out.values.end(), wanted.begin(), wanted.end());
  if (!out.start_ts.empty())
    out.start_ts.resize(out.ts.size(), no_start_timestamp);
  return {};
}

void encode_columns(const sample_columns& columns, int64_t range_ms, timestamp_ms bound,
                    const std::function<void(const encoded_chunk&)>& out) {
  const std::span ts(columns.ts);
  const std::span values(columns.values);
  const std::span starts(columns.start_ts);
  for (size_t i = 0; i < ts.size();) {
    const size_t end = chunk_end(i, ts.size(), range_ms, bound, [&](size_t k) { return ts[k]; });
    const size_t n = end - i;
    out({ts[i], ts[end - 1], static_cast<uint32_t>(n),
         encode_chunk(ts.subspan(i, n), values.subspan(i, n),
                      starts.empty() ? starts : starts.subspan(i, n))});
    i = end;
  }
  const std::span rows(columns.histograms);
  for (size_t i = 0; i < rows.size();) {
    const size_t end =
        chunk_end(i, rows.size(), range_ms, bound, [&](size_t k) { return rows[k].ts; });
    const size_t n = end - i;
    out({rows[i].ts, rows[end - 1].ts, static_cast<uint32_t>(n),
         encode_histogram_chunk(rows.subspan(i, n))});
    i = end;
  }
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
