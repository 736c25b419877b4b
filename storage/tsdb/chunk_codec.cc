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

}  // namespace troupe::storage::tsdb
