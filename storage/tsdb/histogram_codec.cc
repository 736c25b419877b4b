#include "storage/tsdb/histogram_codec.h"

#include "storage/tsdb/bit_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <vector>

namespace troupe::storage::tsdb {
namespace {

constexpr unsigned count_bits = 16;
constexpr int least_schema = -4, most_schema = 8;
// Thresholds that are powers of two in this range are stored as one byte.
constexpr int least_exponent = -242, most_exponent = 11, exponent_bias = 243;
constexpr uint8_t raw_threshold = 255;
// Bounds with at most three decimals below this are stored as whole thousandths.
constexpr double most_thousandths = 33'554'430;

// The first two bits of a chunk's flags.
enum class resets : unsigned char { unknown = 0, not_reset = 1, reset = 2, gauge = 3 };

counter_reset_hint hint_of(resets header, size_t position) {
  if (header == resets::gauge)
    return counter_reset_hint::gauge;
  if (position > 0)
    return counter_reset_hint::not_reset;
  // Whether the chunk before is still there is not known: "not reset" says nothing here.
  return header == resets::reset ? counter_reset_hint::reset : counter_reset_hint::unknown;
}

resets header_of(counter_reset_hint hint) {
  switch (hint) {
    case counter_reset_hint::reset:
      return resets::reset;
    case counter_reset_hint::not_reset:
      return resets::not_reset;
    case counter_reset_hint::gauge:
      return resets::gauge;
    default:
      return resets::unknown;
  }
}

double read_threshold(bit_reader& in) {
  const auto code = static_cast<uint8_t>(in.bits(8));
  if (code == 0)
    return 0;
  return code == raw_threshold ? in.number() : std::ldexp(0.5, code - exponent_bias);
}

void write_threshold(double v, bit_writer& out) {
  int exponent = 0;
  if (std::bit_cast<uint64_t>(v) == 0)
    return out.bits(0, 8);
  if (std::frexp(v, &exponent) == 0.5 && exponent >= least_exponent && exponent <= most_exponent)
    return out.bits(static_cast<uint64_t>(exponent + exponent_bias), 8);
  out.bits(raw_threshold, 8);
  out.number(v);
}

bool read_spans(bit_reader& in, std::vector<histogram_span>& out, uint64_t& buckets) {
  for (uint64_t n = in.varbit_uint(); n > 0 && !in.failed(); --n) {
    const uint64_t length = in.varbit_uint();
    const int64_t offset = in.varbit_int();
    // Each bucket takes a bit at least: a lying length never makes us allocate.
    if (length > in.remaining() || offset < INT32_MIN || offset > INT32_MAX)
      return false;
    buckets += length;
    out.push_back({static_cast<int32_t>(offset), static_cast<uint32_t>(length)});
  }
  return !in.failed() && buckets <= in.remaining();
}

void write_spans(const std::vector<histogram_span>& spans, bit_writer& out) {
  out.varbit_uint(spans.size());
  for (const auto& s : spans) {
    out.varbit_uint(s.length);
    out.varbit_int(s.offset);
  }
}

bool read_bounds(bit_reader& in, std::vector<double>& out) {
  const uint64_t n = in.varbit_uint();
  if (n > in.remaining())
    return false;
  for (uint64_t i = 0; i < n && !in.failed(); ++i) {
    const uint64_t code = in.varbit_uint();
    out.push_back(code == 0 ? in.number() : static_cast<double>(code - 1) / 1000);
  }
  return !in.failed();
}

void write_bounds(const std::vector<double>& bounds, bit_writer& out) {
  out.varbit_uint(bounds.size());
  for (const double b : bounds) {
    const double y = b * 1000;
    const bool whole = y >= 0 && y <= most_thousandths && y == std::trunc(y) && !std::signbit(b);
    if (whole && static_cast<double>(static_cast<uint64_t>(y)) / 1000 == b) {
      out.varbit_uint(static_cast<uint64_t>(y) + 1);
    } else {
      out.bits(0, 1);
      out.number(b);
    }
  }
}

// The number before the previous one's difference, twice.
struct dod_column {
  uint64_t value = 0, delta = 0;
  void start(uint64_t v) { value = v; }
  void next(int64_t dod) {
    delta += static_cast<uint64_t>(dod);
    value += delta;
  }
  int64_t difference(uint64_t v) {
    const uint64_t step = v - value, dod = step - delta;
    delta = step;
    value = v;
    return static_cast<int64_t>(dod);
  }
};

// What all samples of a chunk share.
struct layout {
  int32_t schema = 0;
  double zero_threshold = 0;
  std::vector<histogram_span> positive_spans, negative_spans;
  std::vector<double> bounds;
  uint64_t positive = 0, negative = 0;  ///< buckets
};

status read_layout(bit_reader& in, layout& out) {
  out.zero_threshold = read_threshold(in);
  const int64_t schema = in.varbit_int();
  if (in.failed())
    return {errc::corruption, "a histogram chunk is cut"};
  if (schema != histogram::custom_schema && (schema < least_schema || schema > most_schema))
    return {errc::unsupported, fmt::format("a chunk has the unknown histogram schema {}", schema)};
  out.schema = static_cast<int32_t>(schema);
  if (!read_spans(in, out.positive_spans, out.positive) ||
      !read_spans(in, out.negative_spans, out.negative) ||
      (schema == histogram::custom_schema && !read_bounds(in, out.bounds)))
    return {errc::corruption, "the layout of a histogram chunk does not hold"};
  return {};
}

// The numbers of integer histograms: counts by differences of differences.
class integer_columns {
 public:
  explicit integer_columns(const layout& l) : buckets_(l.positive + l.negative) {}

  void read(bit_reader& in, bool first, histogram& h) {
    if (first) {
      count_.start(in.varbit_uint());
      zero_.start(in.varbit_uint());
      sum_.start(h.sum = in.number());
    } else {
      count_.next(in.varbit_int());
      zero_.next(in.varbit_int());
      h.sum = sum_.next(in);
    }
    h.count = static_cast<double>(count_.value);
    h.zero_count = static_cast<double>(zero_.value);
    if (!first && h.is_stale())
      return;
    for (auto& b : buckets_) {
      const int64_t v = in.varbit_int();
      if (first)
        b.start(static_cast<uint64_t>(v));
      else
        b.next(v);
    }
  }
  // The buckets are differences from one to the next, each side from 0.
  void fill(size_t from, size_t n, std::vector<double>& out) const {
    uint64_t sum = 0;
    for (size_t i = from; i < from + n; ++i) {
      sum += buckets_[i].value;
      out.push_back(static_cast<double>(static_cast<int64_t>(sum)));
    }
  }

 private:
  dod_column count_, zero_;
  xor_reader sum_;
  std::vector<dod_column> buckets_;
};

// The numbers of float histograms: all XORed.
class float_columns {
 public:
  explicit float_columns(const layout& l)
      : buckets_(l.positive + l.negative), values_(buckets_.size()) {}

  void read(bit_reader& in, bool first, histogram& h) {
    const auto take = [&](xor_reader& column) {
      if (!first)
        return column.next(in);
      const double v = in.number();
      column.start(v);
      return v;
    };
    h.count = take(count_);
    h.zero_count = take(zero_);
    h.sum = take(sum_);
    if (!first && h.is_stale())
      return;
    for (size_t i = 0; i < buckets_.size(); ++i)
      values_[i] = take(buckets_[i]);
  }
  void fill(size_t from, size_t n, std::vector<double>& out) const {
    out.assign(values_.begin() + static_cast<std::ptrdiff_t>(from),
               values_.begin() + static_cast<std::ptrdiff_t>(from + n));
  }

 private:
  xor_reader count_, zero_, sum_;
  std::vector<xor_reader> buckets_;
  std::vector<double> values_;
};

template <class Columns>
status read_rows(bit_reader& in, uint64_t samples, resets header, bool is_float,
                 sample_columns& out) {
  layout l;
  TROUPE_TRY(read_layout(in, l));
  if (l.positive + l.negative > in.remaining())
    return {errc::corruption, "a histogram chunk has more buckets than bits"};
  Columns columns(l);
  dod_column time;
  for (uint64_t i = 0; i < samples; ++i) {
    const auto before = static_cast<timestamp_ms>(time.value);
    if (i == 0)
      time.start(static_cast<uint64_t>(in.varbit_int()));
    else
      time.next(in.varbit_int());
    const auto ts = static_cast<timestamp_ms>(time.value);
    auto h = std::make_shared<histogram>();
    h->is_float = is_float;
    columns.read(in, i == 0, *h);
    if (in.failed())
      return {errc::corruption, "a histogram chunk ends before its last sample"};
    if (i > 0 && ts <= before)
      return {errc::corruption, "times of a histogram chunk do not ascend"};
    if (h->is_stale()) {
      // A stale marker has nothing but its sum.
      h->count = h->zero_count = 0;
    } else {
      h->schema = l.schema;
      h->hint = hint_of(header, i);
      h->zero_threshold = l.zero_threshold;
      h->positive_spans = l.positive_spans;
      h->negative_spans = l.negative_spans;
      h->custom_bounds = l.bounds;
      columns.fill(0, l.positive, h->positive_buckets);
      columns.fill(l.positive, l.negative, h->negative_buckets);
    }
    out.histograms.push_back({ts, no_start_timestamp, std::move(h)});
  }
  return {};
}

bool same_bits(double a, double b) {
  return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b);
}

bool same_layout(const histogram& a, const histogram& b) {
  return a.schema == b.schema && same_bits(a.zero_threshold, b.zero_threshold) &&
         a.positive_spans == b.positive_spans && a.negative_spans == b.negative_spans &&
         std::equal(a.custom_bounds.begin(), a.custom_bounds.end(), b.custom_bounds.begin(),
                    b.custom_bounds.end(), same_bits);
}

bool is_whole(double v, double least, double end) {
  return v >= least && v < end && v == std::trunc(v);
}

// Integer counts that are none, or too large for one, are written as a float histogram.
bool written_as_float(const histogram& h) {
  constexpr double end = 9'223'372'036'854'775'808.0;  // 2^63
  if (h.is_float || h.is_stale())
    return h.is_float;
  const auto is_count = [](double v) { return is_whole(v, -end, end); };
  return !is_whole(h.count, 0, end) || !is_whole(h.zero_count, 0, end) ||
         !std::all_of(h.positive_buckets.begin(), h.positive_buckets.end(), is_count) ||
         !std::all_of(h.negative_buckets.begin(), h.negative_buckets.end(), is_count);
}

bool any_below(const std::vector<double>& now, const std::vector<double>& before) {
  for (size_t i = 0; i < now.size(); ++i)
    if (!(now[i] >= before[i]))
      return true;
  return false;
}

// Readers take every sample of a counter's chunk but the first for "not reset".
bool went_back(const histogram& now, const histogram& before) {
  return !(now.count >= before.count) || !(now.zero_count >= before.zero_count) ||
         any_below(now.positive_buckets, before.positive_buckets) ||
         any_below(now.negative_buckets, before.negative_buckets);
}

// May `now` stand behind `before` in one chunk?
bool continues(const histogram& now, const histogram& before) {
  if (written_as_float(now) != written_as_float(before))
    return false;
  if (now.is_stale())
    return true;
  const bool gauge = now.hint == counter_reset_hint::gauge;
  if (before.is_stale() || gauge != (before.hint == counter_reset_hint::gauge) ||
      now.hint == counter_reset_hint::reset || !same_layout(now, before))
    return false;
  return gauge || !went_back(now, before);
}

class integer_writer {
 public:
  void write(const histogram& h, bool first, bit_writer& out) {
    const auto count = static_cast<uint64_t>(h.count), zero = static_cast<uint64_t>(h.zero_count);
    if (first) {
      count_.start(count);
      zero_.start(zero);
      sum_.start(h.sum);
      out.varbit_uint(count);
      out.varbit_uint(zero);
      out.number(h.sum);
    } else if (h.is_stale()) {
      out.varbit_int(0);
      out.varbit_int(0);
      sum_.next(h.sum, out);
    } else {
      out.varbit_int(count_.difference(count));
      out.varbit_int(zero_.difference(zero));
      sum_.next(h.sum, out);
    }
    if (h.is_stale())
      return;
    buckets_.resize(h.positive_buckets.size() + h.negative_buckets.size());
    write_side(h.positive_buckets, 0, first, out);
    write_side(h.negative_buckets, h.positive_buckets.size(), first, out);
  }

 private:
  void write_side(const std::vector<double>& side, size_t from, bool first, bit_writer& out) {
    int64_t before = 0;
    for (size_t i = 0; i < side.size(); ++i) {
      const auto now = static_cast<int64_t>(side[i]);
      const auto difference = static_cast<uint64_t>(now) - static_cast<uint64_t>(before);
      before = now;
      auto& column = buckets_[from + i];
      if (first) {
        column.start(difference);
        out.varbit_int(static_cast<int64_t>(difference));
      } else {
        out.varbit_int(column.difference(difference));
      }
    }
  }

  dod_column count_, zero_;
  xor_writer sum_;
  std::vector<dod_column> buckets_;
};

class float_writer {
 public:
  void write(const histogram& h, bool first, bit_writer& out) {
    const auto put = [&](xor_writer& column, double v) {
      if (!first)
        return column.next(v, out);
      column.start(v);
      out.number(v);
    };
    put(count_, h.count);
    put(zero_, h.zero_count);
    put(sum_, h.sum);
    if (h.is_stale())
      return;
    buckets_.resize(h.positive_buckets.size() + h.negative_buckets.size());
    size_t i = 0;
    for (const auto* side : {&h.positive_buckets, &h.negative_buckets})
      for (const double b : *side)
        put(buckets_[i++], b);
  }

 private:
  xor_writer count_, zero_, sum_;
  std::vector<xor_writer> buckets_;
};

template <class Writer>
std::string write_rows(std::span<const sample_columns::histogram_row> rows) {
  bit_writer out;
  Writer writer;
  dod_column time;
  static const histogram stale_layout;
  const histogram& first = *rows.front().value;
  out.bits(rows.size(), count_bits);
  out.bits(static_cast<uint64_t>(header_of(first.hint)) << 6, 8);
  const histogram& l = first.is_stale() ? stale_layout : first;
  write_threshold(l.zero_threshold, out);
  out.varbit_int(l.schema);
  write_spans(l.positive_spans, out);
  write_spans(l.negative_spans, out);
  if (l.schema == histogram::custom_schema)
    write_bounds(l.custom_bounds, out);
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i == 0) {
      time.start(static_cast<uint64_t>(rows[i].ts));
      out.varbit_int(rows[i].ts);
    } else {
      out.varbit_int(time.difference(static_cast<uint64_t>(rows[i].ts)));
    }
    writer.write(*rows[i].value, i == 0, out);
  }
  return out.bytes();
}

}  // namespace

status decode_histograms(std::string_view data, bool is_float, sample_columns& out) {
  bit_reader in(data);
  const uint64_t samples = in.bits(count_bits);
  const auto header = static_cast<resets>(in.bits(8) >> 6);
  if (in.failed())
    return {errc::corruption, "a histogram chunk is cut"};
  if (samples == 0)
    return {};
  return is_float ? read_rows<float_columns>(in, samples, header, true, out)
                  : read_rows<integer_columns>(in, samples, header, false, out);
}

encoded encode_histograms(std::span<const sample_columns::histogram_row> rows) {
  size_t n = 1;
  while (n < rows.size() && n < most_samples && continues(*rows[n].value, *rows[n - 1].value))
    ++n;
  rows = rows.first(n);
  if (written_as_float(*rows.front().value))
    return {encoding::float_histogram, n, write_rows<float_writer>(rows)};
  return {encoding::histogram, n, write_rows<integer_writer>(rows)};
}

}  // namespace troupe::storage::tsdb
