#include "storage/tsdb/chunk_codec.h"

#include "storage/chunk/columns.h"
#include "storage/tsdb/bit_stream.h"
#include "storage/tsdb/histogram_codec.h"

#include <fmt/format.h>

#include <algorithm>

namespace troupe::storage::tsdb {
namespace {

constexpr unsigned count_bits = 16;

status decode_floats(std::string_view data, sample_columns& out) {
  bit_reader in(data);
  const uint64_t samples = in.bits(count_bits);
  if (in.failed())
    return {errc::corruption, "a chunk is cut"};
  xor_reader values;
  uint64_t ts = 0, delta = 0;
  for (uint64_t i = 0; i < samples; ++i) {
    double value = 0;
    if (i == 0) {
      ts = static_cast<uint64_t>(in.varint());
      values.start(value = in.number());
    } else {
      delta = i == 1 ? in.uvarint() : delta + static_cast<uint64_t>(in.varbit_time());
      const auto next = static_cast<timestamp_ms>(ts + delta);
      if (next <= static_cast<timestamp_ms>(ts))
        return {errc::corruption, "times of a chunk do not ascend"};
      ts += delta;
      value = values.next(in);
    }
    if (in.failed())
      return {errc::corruption, "a chunk ends before its last sample"};
    append_float(out, static_cast<timestamp_ms>(ts), value);
  }
  return {};
}

}  // namespace

status decode_chunk(uint8_t how, std::string_view data, sample_columns& out) {
  switch (static_cast<encoding>(how)) {
    case encoding::xor_floats:
      return decode_floats(data, out);
    case encoding::histogram:
      return decode_histograms(data, false, out);
    case encoding::float_histogram:
      return decode_histograms(data, true, out);
    default:
      return {errc::unsupported, fmt::format("a chunk has the unknown encoding {}", how)};
  }
}

encoded encode_floats(std::span<const timestamp_ms> ts, std::span<const double> values) {
  const size_t n = std::min(ts.size(), most_samples);
  bit_writer out;
  xor_writer column;
  out.bits(n, count_bits);
  uint64_t before = 0, delta = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto now = static_cast<uint64_t>(ts[i]);
    if (i == 0) {
      out.varint(ts[i]);
      out.number(values[i]);
      column.start(values[i]);
    } else {
      const uint64_t step = now - before;
      if (i == 1)
        out.uvarint(step);
      else
        out.varbit_time(static_cast<int64_t>(step - delta));
      delta = step;
      column.next(values[i], out);
    }
    before = now;
  }
  return {encoding::xor_floats, n, out.bytes()};
}

bool chunk_cutter::next(timed_chunk& out) {
  const auto& [ts, values, starts, rows] = all_;
  const bool has_float = float_ < ts.size(), has_histogram = histogram_ < rows.size();
  if (!has_float && !has_histogram)
    return false;
  // Up to the next sample of the other kind.
  if (has_float && (!has_histogram || ts[float_] < rows[histogram_].ts)) {
    const auto end =
        has_histogram ? std::lower_bound(ts.begin(), ts.end(), rows[histogram_].ts) : ts.end();
    const auto n = static_cast<size_t>(end - ts.begin()) - float_;
    out.chunk =
        encode_floats(std::span(ts).subspan(float_, n), std::span(values).subspan(float_, n));
    out.first = ts[float_];
    float_ += out.chunk.samples;
    out.last = ts[float_ - 1];
    return true;
  }
  const auto end = has_float
                       ? std::partition_point(rows.begin(), rows.end(),
                                              [&](const auto& r) { return r.ts <= ts[float_]; })
                       : rows.end();
  const auto n = static_cast<size_t>(end - rows.begin()) - histogram_;
  out.chunk = encode_histograms(std::span(rows).subspan(histogram_, n));
  out.first = rows[histogram_].ts;
  histogram_ += out.chunk.samples;
  out.last = rows[histogram_ - 1].ts;
  return true;
}

}  // namespace troupe::storage::tsdb
