#include "storage/chunk/chunk.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"
#include "storage/base/compress.h"
#include "storage/chunk/time_column.h"

#include <algorithm>

namespace troupe::storage {
namespace {

// First byte: low four bits say what the values are, then flags; unknown bits are corruption.
constexpr uint8_t kind_mask = 0x0f;
constexpr uint8_t kind_histogram = 5;
constexpr uint8_t flag_starts = 0x10;
constexpr uint8_t flag_time_runs = 0x20;
constexpr uint8_t flag_time_packed = 0x40;
constexpr uint8_t all_flags = flag_starts | flag_time_runs | flag_time_packed;
constexpr size_t max_histogram_bytes = 1u << 30;
constexpr size_t max_lz4_ratio = 255;

struct header {
  uint8_t kind = 0;
  bool linked = false;
  bool starts = false;
  time_form times = time_form::plain;
  size_t samples = 0;
};

status corrupt(const char* what) {
  return {errc::corruption, std::string("chunk: ") + what};
}

bool is_linked(uint8_t kind) {
  return kind == static_cast<uint8_t>(difference_sign::added) ||
         kind == static_cast<uint8_t>(difference_sign::subtracted);
}

status read_header(byte_reader& in, header& out) {
  const uint8_t first = in.u8();
  const uint64_t n = in.varint();
  out.kind = first & kind_mask;
  out.linked = is_linked(out.kind);
  const bool runs = first & flag_time_runs, packed = first & flag_time_packed;
  if (in.failed() || !(out.kind == kind_histogram || out.linked || is_value_form(out.kind)) ||
      (first & ~(kind_mask | (out.linked ? 0 : all_flags))) != 0 || (runs && packed))
    return corrupt("unknown kind");
  if (n == 0 || n > max_chunk_samples)
    return corrupt("bad sample count");
  out.starts = first & flag_starts;
  out.times = runs ? time_form::runs : packed ? time_form::packed : time_form::plain;
  out.samples = static_cast<size_t>(n);
  return {};
}

uint8_t flag_of(time_form form) {
  return form == time_form::runs     ? flag_time_runs
         : form == time_form::packed ? flag_time_packed
                                     : 0;
}

// Everything before the values, but for the kind in the first byte.
std::string encode_front(std::span<const timestamp_ms> ts, std::span<const timestamp_ms> starts) {
  TROUPE_CHECK(!ts.empty() && ts.size() <= max_chunk_samples);
  TROUPE_CHECK(starts.empty() || starts.size() == ts.size());
  const bool with_starts =
      std::any_of(starts.begin(), starts.end(), [](auto t) { return t != no_start_timestamp; });
  std::string out;
  put_u8(out, 0);
  put_varint(out, ts.size());
  const time_form form = encode_times(ts, out);
  out[0] = static_cast<char>((with_starts ? flag_starts : 0) | flag_of(form));
  if (with_starts)
    encode_starts(starts, out);
  return out;
}

void set_kind(std::string& chunk, uint8_t kind) {
  chunk[0] = static_cast<char>(chunk[0] | kind);
}

// Cuts the rows [base, end) of a column down to [base + lo, base + hi).
template <class T>
void keep_rows(std::vector<T>& column, size_t base, size_t lo, size_t hi) {
  column.resize(base + hi);
  column.erase(column.begin() + static_cast<std::ptrdiff_t>(base),
               column.begin() + static_cast<std::ptrdiff_t>(base + lo));
}

// The rows of `ts` inside [mint, maxt], as [first, second).
std::pair<size_t, size_t> window(std::span<const timestamp_ms> ts, timestamp_ms mint,
                                 timestamp_ms maxt) {
  const auto lo = std::lower_bound(ts.begin(), ts.end(), mint);
  const auto hi = std::upper_bound(lo, ts.end(), maxt);
  return {static_cast<size_t>(lo - ts.begin()), static_cast<size_t>(hi - ts.begin())};
}

// Says in `from` how many rows lie before those it gives.
status decode_floats(byte_reader& in, const header& h, timestamp_ms mint, timestamp_ms maxt,
                     sample_columns& out, size_t& from) {
  const size_t base = out.ts.size();
  const bool had_starts = !out.start_ts.empty();
  out.ts.resize(base + h.samples);
  if (h.starts || had_starts)
    out.start_ts.resize(base + h.samples, no_start_timestamp);
  const std::span<timestamp_ms> ts(out.ts.data() + base, h.samples);
  bool ok = decode_times(in, h.times, ts) &&
            (!h.starts || decode_starts(in, {out.start_ts.data() + base, h.samples}));
  auto [lo, hi] = ok ? window(ts, mint, maxt) : std::pair<size_t, size_t>();
  from = lo;
  // Only the values asked for are decoded.
  out.values.resize(base + hi - lo);
  ok = ok &&
       decode_values(in, static_cast<value_form>(h.kind), h.samples, lo,
                     {out.values.data() + base, hi - lo}) &&
       in.at_end();
  if (!ok)
    lo = hi = 0;
  out.values.resize(base + hi - lo);
  keep_rows(out.ts, base, lo, hi);
  if (!ok && !had_starts)
    out.start_ts.clear();
  else if (h.starts || had_starts)
    keep_rows(out.start_ts, base, lo, hi);
  return ok ? status() : corrupt("float columns do not hold");
}

status read_link(byte_reader& in, chunk_link& out) {
  out.distance = in.varint();
  const uint64_t length = in.varint();
  // The other record lies before this one.
  if (in.failed() || length == 0 || length > out.distance || length > UINT32_MAX)
    return corrupt("bad link");
  out.length = static_cast<uint32_t>(length);
  return {};
}

status decode_linked(byte_reader& in, const header& h, const chunk_window& base,
                     sample_columns& out) {
  chunk_link link;
  TROUPE_TRY(read_link(in, link));
  const unsigned form = in.u8();
  out.values.resize(base.columns.values.size());
  if (h.samples != base.samples || in.failed() || !is_value_form(form) ||
      !decode_values(in, static_cast<value_form>(form), h.samples, base.from, out.values) ||
      !in.at_end()) {
    out.values.clear();
    return corrupt("linked float columns do not hold");
  }
  apply_differences(base.columns.values, static_cast<difference_sign>(h.kind), out.values);
  out.ts = base.columns.ts;
  out.start_ts = base.columns.start_ts;
  return {};
}

status decode_histograms(byte_reader& in, const header& h, timestamp_ms mint, timestamp_ms maxt,
                         sample_columns& out) {
  std::vector<timestamp_ms> ts(h.samples), starts(h.samples, no_start_timestamp);
  if (!decode_times(in, h.times, ts) || (h.starts && !decode_starts(in, starts)))
    return corrupt("histogram timestamps do not hold");
  const uint64_t raw_size = in.varint();
  const std::string_view packed = in.take(in.remaining());
  if (in.failed() || raw_size / max_lz4_ratio > packed.size() + 1)
    return corrupt("bad histogram length");
  auto raw = lz4_decompress(packed, static_cast<size_t>(raw_size), max_histogram_bytes);
  if (!raw.ok())
    return corrupt("histograms do not unpack");
  byte_reader rows(*raw);
  const size_t before = out.histograms.size();
  status failed;
  for (size_t i = 0; i < h.samples && failed.ok(); ++i) {
    const std::string_view bytes = rows.bytes();
    if (rows.failed())
      failed = corrupt("histogram row is cut");
    else if (ts[i] >= mint && ts[i] <= maxt) {
      auto value = histogram::decode(bytes);
      if (value.ok())
        out.histograms.push_back(
            {ts[i], starts[i], std::make_shared<const histogram>(std::move(*value))});
      else
        failed = corrupt("histogram does not hold");
    }
  }
  if (failed.ok() && !rows.at_end())
    failed = corrupt("bytes behind the last histogram");
  if (!failed.ok())
    out.histograms.resize(before);
  return failed;
}

}  // namespace

std::string encode_chunk(std::span<const timestamp_ms> ts, std::span<const double> values,
                         std::span<const timestamp_ms> starts, storage_tier tier) {
  TROUPE_CHECK(ts.size() == values.size() && !values.empty());
  std::string out = encode_front(ts, starts);
  set_kind(out, static_cast<uint8_t>(encode_values(values, out, tier)));
  return out;
}

std::string encode_histogram_chunk(std::span<const sample_columns::histogram_row> rows) {
  std::vector<timestamp_ms> ts, starts;
  std::string raw, one;
  for (const auto& row : rows) {
    ts.push_back(row.ts);
    starts.push_back(row.start_ts);
    one.clear();
    row.value->encode(one);
    put_bytes(raw, one);
  }
  TROUPE_CHECK(raw.size() <= max_histogram_bytes);
  std::string out = encode_front(ts, starts);
  set_kind(out, kind_histogram);
  put_varint(out, raw.size());
  out += lz4_compress(raw);
  return out;
}

std::string encode_linked_chunk(size_t samples, chunk_link link, difference_sign sign,
                                const value_difference& difference) {
  TROUPE_CHECK(samples > 0 && samples <= max_chunk_samples);
  std::string out;
  put_u8(out, static_cast<uint8_t>(sign));
  put_varint(out, samples);
  put_varint(out, link.distance);
  put_varint(out, link.length);
  put_u8(out, static_cast<uint8_t>(difference.form));
  out += difference.column;
  return out;
}

result<std::optional<chunk_link>> link_of(std::string_view bytes) {
  byte_reader in(bytes);
  header h;
  TROUPE_TRY(read_header(in, h));
  if (!h.linked)
    return std::optional<chunk_link>();
  chunk_link link;
  TROUPE_TRY(read_link(in, link));
  return std::optional(link);
}

status decode_window(std::string_view bytes, timestamp_ms mint, timestamp_ms maxt,
                     const chunk_window* base, chunk_window& out) {
  byte_reader in(bytes);
  header h;
  out = {};
  TROUPE_TRY(read_header(in, h));
  if (h.linked != (base != nullptr) || h.kind == kind_histogram)
    return corrupt("not of the kind that its link asks for");
  out.samples = h.samples;
  if (base == nullptr)
    return decode_floats(in, h, mint, maxt, out.columns, out.from);
  out.from = base->from;
  return decode_linked(in, h, *base, out.columns);
}

status decode_chunk(std::string_view bytes, timestamp_ms mint, timestamp_ms maxt,
                    sample_columns& out) {
  byte_reader in(bytes);
  header h;
  TROUPE_TRY(read_header(in, h));
  if (h.linked)
    return corrupt("does not stand alone");
  size_t from = 0;
  return h.kind == kind_histogram ? decode_histograms(in, h, mint, maxt, out)
                                  : decode_floats(in, h, mint, maxt, out, from);
}

result<chunk_summary> summarize_chunk(std::string_view bytes) {
  byte_reader in(bytes);
  header h;
  TROUPE_TRY(read_header(in, h));
  std::vector<timestamp_ms> ts(h.samples);
  if (h.linked || !decode_times(in, h.times, ts))
    return corrupt("timestamps do not hold");
  return chunk_summary{ts.front(), ts.back(), static_cast<uint32_t>(h.samples),
                       h.kind == kind_histogram};
}

}  // namespace troupe::storage
