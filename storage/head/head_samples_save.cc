// head_samples: series to bytes of a snapshot and back (storage/docs/head_snapshot.md).
#include "storage/chunk/columns.h"
#include "storage/head/head_samples.h"
#include "storage/wal/section.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace troupe::storage {
namespace {

constexpr uint8_t has_newest = 1, has_open = 2, has_extra = 4;
constexpr uint8_t segment_closed = 1, segment_own = 2;

using histogram_rows = std::vector<sample_columns::histogram_row>;

void put_segment(const saved_segment& s, std::string& out) {
  put_u8(out, static_cast<uint8_t>((s.closed ? segment_closed : 0) | (s.own ? segment_own : 0)));
  put_svarint(out, s.end);
  put_u8(out, s.max_rows);
  put_u8(out, static_cast<uint8_t>(s.rows.size()));
  uint64_t before = 0;
  for (const timestamp_ms ts : s.rows) {
    put_svarint(out, static_cast<int64_t>(static_cast<uint64_t>(ts) - before));
    before = static_cast<uint64_t>(ts);
  }
}

bool read_segment(byte_reader& in, saved_segment& out) {
  const uint8_t flags = in.u8();
  out.closed = flags & segment_closed;
  out.own = flags & segment_own;
  out.end = in.svarint();
  out.max_rows = in.u8();
  out.rows.resize(in.u8());
  uint64_t before = 0;
  for (timestamp_ms& ts : out.rows)
    ts = static_cast<timestamp_ms>(before += static_cast<uint64_t>(in.svarint()));
  return !in.failed() && !out.rows.empty() && out.rows.size() <= out.max_rows &&
         out.max_rows <= segment_rows && out.rows.back() < out.end &&
         std::adjacent_find(out.rows.begin(), out.rows.end(), std::greater_equal<>()) ==
             out.rows.end();
}

void put_rows(const histogram_rows& rows, std::string& out) {
  std::string part;
  for (const auto& r : rows)
    put_histogram({r.ts, r.start_ts, r.value, 0}, 0, part);
  put_bytes(out, part);
}

bool read_rows(byte_reader& in, histogram_rows& out) {
  std::vector<histogram_entry> entries;
  if (!read_histograms(in.bytes(), 0, entries))
    return false;
  for (auto& e : entries) {
    if (!out.empty() && e.ts <= out.back().ts)
      return false;
    out.push_back({e.ts, e.start_ts, std::move(e.value)});
  }
  return true;
}

void put_late_floats(const sample_columns& c, std::string& out) {
  put_varint(out, c.ts.size());
  for (size_t i = 0; i < c.ts.size(); ++i) {
    const timestamp_ms start = c.start_ts.empty() ? no_start_timestamp : c.start_ts[i];
    put_svarint(out, c.ts[i]);
    put_u64(out, std::bit_cast<uint64_t>(c.values[i]));
    put_u8(out, start != no_start_timestamp);
    if (start != no_start_timestamp)
      put_svarint(out, start);
  }
}

bool read_late_floats(byte_reader& in, sample_columns& out) {
  for (uint64_t n = in.varint(); n > 0 && !in.failed(); --n) {
    const timestamp_ms ts = in.svarint();
    const double value = std::bit_cast<double>(in.u64());
    const timestamp_ms start = in.u8() != 0 ? in.svarint() : no_start_timestamp;
    if (!out.ts.empty() && ts <= out.ts.back())
      return false;
    append_float(out, ts, value, start);
  }
  return !in.failed();
}

}  // namespace

void head_samples::save(const head_series& s, saved_slice& slice, std::string& out) const {
  const series_extra* x = extra(s);
  const chunk_position last = newest(s);
  put_u8(out, static_cast<uint8_t>((last != 0 ? has_newest : 0) | (s.count_ != 0 ? has_open : 0) |
                                   (x != nullptr ? has_extra : 0)));
  if (last != 0) {
    put_svarint(out, static_cast<int64_t>(last - slice.newest));
    slice.newest = last;
  }
  if (s.count_ != 0) {
    const auto number = static_cast<uint32_t>(slice.segments.size());
    const auto [at, added] = slice.segments.emplace(s.segment_, number);
    put_varint(out, at->second);
    if (added)
      put_segment(times_.save(s.segment_), out);
    put_u8(out, s.first_row_);
    put_u8(out, s.count_);
    put_u64(out, std::bit_cast<uint64_t>(s.values_.last));
    put_u8(out, s.values_.bytes.tag);
    byte_slab::buffer buffer;
    const auto ops = slab_.read(s.values_.bytes, buffer);
    put_bytes(out, {reinterpret_cast<const char*>(ops.data()), ops.size()});
  }
  if (x != nullptr)
    save_extra(*x, out);
}

void head_samples::save_extra(const series_extra& x, std::string& out) {
  put_svarint(out, x.last_ts);
  put_varint(out, x.late_chunks);
  put_late_floats(x.late, out);
  put_rows(x.late.histograms, out);
  put_rows(x.rows, out);
  put_varint(out, x.starts.size());
  for (const start_run& r : x.starts) {
    put_u8(out, r.row);
    put_svarint(out, r.start_ts);
  }
}

bool head_samples::restore(head_series& s, restored_slice& slice, byte_reader& in) {
  const uint8_t flags = in.u8();
  if (flags & has_newest) {
    slice.newest += static_cast<uint64_t>(in.svarint());
    if (slice.newest == 0 || slice.newest >= chunks_.next())
      return false;
    const page_guard guard(s);
    set_newest(s, slice.newest);
  }
  return (!(flags & has_open) || restore_open(s, slice, in)) &&
         (!(flags & has_extra) || restore_extra(s, in)) && !in.failed();
}

// A segment of the series' stream that the slice tells for the first time.
bool head_samples::restore_segment(const head_series& s, restored_slice& slice, byte_reader& in) {
  saved_segment saved;
  if (!read_segment(in, saved) ||
      range_start(saved.rows.front(), range_ms_) != range_start(saved.rows.back(), range_ms_))
    return false;
  if (saved.own) {
    slice.segments.push_back(times_.restore(s.segment_, saved));
    return true;
  }
  const std::pair key(times_.stream_of(s.segment_), saved.rows.front());
  const auto [at, added] = slice.shared.try_emplace(key, 0);
  if (added)
    at->second = times_.restore(s.segment_, saved);
  else if (!times_.extend(at->second, saved))
    return false;
  slice.segments.push_back(at->second);
  return true;
}

bool head_samples::restore_open(head_series& s, restored_slice& slice, byte_reader& in) {
  const uint64_t number = in.varint();
  if (number > slice.segments.size() ||
      (number == slice.segments.size() && !restore_segment(s, slice, in)))
    return false;
  const uint32_t segment = slice.segments[number];
  const uint8_t first_row = in.u8(), count = in.u8();
  const double last = std::bit_cast<double>(in.u64());
  const uint8_t tag = in.u8();
  const std::string_view bytes = in.bytes();
  const std::span ops(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  if (in.failed() || times_.stream_of(segment) != times_.stream_of(s.segment_) ||
      size_t{first_row} + count > times_.row_count(segment) || !valid_values(tag, ops, count))
    return false;
  const page_guard guard(s);
  s.values_.last = last;
  slab_.append(s.values_.bytes, ops.data(), ops.size());
  s.values_.bytes.tag = tag;
  s.first_row_ = first_row;
  s.count_ = count;
  times_.move(s.segment_, segment);
  return true;
}

bool head_samples::restore_extra(head_series& s, byte_reader& in) {
  series_extra& x = need_extra(s);
  x.last_ts = in.svarint();
  x.late_chunks = static_cast<uint32_t>(in.varint());
  if (!read_late_floats(in, x.late) || !read_rows(in, x.late.histograms) || !read_rows(in, x.rows))
    return false;
  x.scattered = !is_empty(x.late);  // where the gap was is not saved
  for (uint64_t n = in.varint(); n > 0 && !in.failed(); --n) {
    const uint8_t row = in.u8();
    if (row >= s.count_ || (!x.starts.empty() && row <= x.starts.back().row))
      return false;
    x.starts.push_back({row, in.svarint()});
  }
  return !in.failed();
}

}  // namespace troupe::storage
