// Field numbers are those of prometheus/prompb/{remote,types}.proto.
#include "pipeline/remote/write_encoder.h"

#include "storage/base/check.h"
#include "storage/base/coding.h"

#include <cmath>

namespace troupe::remote {
namespace {

enum wire : uint8_t { as_varint = 0, as_64_bit = 1, as_bytes = 2 };

void put_tag(std::string& out, uint32_t field, wire type) {
  put_varint(out, field << 3 | type);
}
void put_text(std::string& out, uint32_t field, std::string_view text) {
  put_tag(out, field, as_bytes);
  put_bytes(out, text);
}
void put_double(std::string& out, uint32_t field, double v) {
  put_tag(out, field, as_64_bit);
  put_fixed(out, v);
}
void put_number(std::string& out, uint32_t field, uint64_t v) {
  put_tag(out, field, as_varint);
  put_varint(out, v);
}
size_t varint_size(uint64_t v) {
  size_t n = 1;
  while (v >>= 7)
    ++n;
  return n;
}

void put_spans(std::string& out, uint32_t field, const std::vector<histogram_span>& spans) {
  std::string span;
  for (const auto& s : spans) {
    span.clear();
    put_number(span, 1, zigzag(s.offset));
    put_number(span, 2, s.length);
    put_text(out, field, span);
  }
}

void put_deltas(std::string& out, uint32_t field, const std::vector<double>& buckets) {
  std::string packed;
  int64_t last = 0;
  for (const double b : buckets) {
    const auto n = static_cast<int64_t>(b);
    put_svarint(packed, n - last);
    last = n;
  }
  if (!packed.empty())
    put_text(out, field, packed);
}

}  // namespace

std::string encode_series_labels(const labels& series) {
  std::string out, label;
  for (const auto& l : series) {
    label.clear();
    put_text(label, 1, l.name);
    put_text(label, 2, l.value);
    put_text(out, 1, label);
  }
  return out;
}

void write_encoder::add(std::string_view series_labels, std::span<const sample> samples) {
  // A sample is a tag and a double, a tag and a varint.
  size_t size = series_labels.size();
  for (const auto& s : samples)
    size += 2 + 10 + varint_size(static_cast<uint64_t>(s.ts));
  put_tag(out_, 1, as_bytes);
  put_varint(out_, size);
  out_ += series_labels;
  for (const auto& s : samples) {
    put_tag(out_, 2, as_bytes);
    put_varint(out_, 10 + varint_size(static_cast<uint64_t>(s.ts)));
    put_double(out_, 1, s.value);
    put_number(out_, 2, static_cast<uint64_t>(s.ts));
  }
}

void write_encoder::add(std::string_view series_labels, timestamp_ms ts, const histogram& h) {
  TROUPE_CHECK(!h.is_float && h.schema != histogram::custom_schema);
  scratch_.clear();
  put_number(scratch_, 1, static_cast<uint64_t>(h.count));
  put_double(scratch_, 3, h.sum);
  put_number(scratch_, 4, zigzag(h.schema));
  put_double(scratch_, 5, h.zero_threshold);
  put_number(scratch_, 6, static_cast<uint64_t>(h.zero_count));
  put_spans(scratch_, 8, h.negative_spans);
  put_deltas(scratch_, 9, h.negative_buckets);
  put_spans(scratch_, 11, h.positive_spans);
  put_deltas(scratch_, 12, h.positive_buckets);
  put_number(scratch_, 14, static_cast<uint64_t>(h.hint));
  put_number(scratch_, 15, static_cast<uint64_t>(ts));
  put_tag(out_, 1, as_bytes);
  put_varint(out_, series_labels.size() + 1 + varint_size(scratch_.size()) + scratch_.size());
  out_ += series_labels;
  put_text(out_, 4, scratch_);
}

}  // namespace troupe::remote
