#include "pipeline/remote/message_encoder.h"

#include "storage/base/coding.h"

namespace troupe::remote {
namespace {

enum wire : uint8_t { as_varint = 0, as_64_bit = 1, as_bytes = 2 };

void put_tag(std::string& out, uint32_t field, wire type) {
  put_varint(out, field << 3 | type);
}

size_t varint_size(uint64_t v) {
  size_t n = 1;
  while (v >>= 7)
    ++n;
  return n;
}

size_t sample_size(const sample& s) {
  // A tag and a double, a tag and a varint.
  return 10 + varint_size(static_cast<uint64_t>(s.ts));
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

void put_doubles(std::string& out, uint32_t field, const std::vector<double>& values) {
  if (values.empty())
    return;
  put_text_head(out, field, values.size() * sizeof(double));
  for (const double v : values)
    put_fixed(out, v);
}

/// `deltas` is the field of integer counts, the one of floats comes behind it.
void put_buckets(std::string& out, uint32_t deltas, const histogram& h,
                 const std::vector<double>& buckets) {
  if (h.is_float)
    put_doubles(out, deltas + 1, buckets);
  else
    put_deltas(out, deltas, buckets);
}

}  // namespace

void put_text_head(std::string& out, uint32_t field, size_t size) {
  put_tag(out, field, as_bytes);
  put_varint(out, size);
}
void put_text(std::string& out, uint32_t field, std::string_view text) {
  put_text_head(out, field, text.size());
  out += text;
}
void put_double(std::string& out, uint32_t field, double v) {
  put_tag(out, field, as_64_bit);
  put_fixed(out, v);
}
void put_number(std::string& out, uint32_t field, uint64_t v) {
  put_tag(out, field, as_varint);
  put_varint(out, v);
}
size_t text_field_size(size_t size) {
  return 1 + varint_size(size) + size;
}

void put_sample(std::string& out, uint32_t field, const sample& s) {
  put_text_head(out, field, sample_size(s));
  put_double(out, 1, s.value);
  put_number(out, 2, static_cast<uint64_t>(s.ts));
}
size_t sample_field_size(const sample& s) {
  return text_field_size(sample_size(s));
}

void put_started_sample(std::string& out, uint32_t field, const sample& s, timestamp_ms start) {
  put_text_head(out, field, sample_size(s) + 1 + varint_size(static_cast<uint64_t>(start)));
  put_double(out, 1, s.value);
  put_number(out, 2, static_cast<uint64_t>(s.ts));
  put_number(out, 3, static_cast<uint64_t>(start));
}

void put_labels(std::string& out, const labels& all) {
  std::string label;
  for (const auto& l : all) {
    label.clear();
    put_text(label, 1, l.name);
    put_text(label, 2, l.value);
    put_text(out, 1, label);
  }
}

void put_histogram(std::string& out, timestamp_ms ts, const histogram& h, timestamp_ms start) {
  if (h.is_float)
    put_double(out, 2, h.count);
  else
    put_number(out, 1, static_cast<uint64_t>(h.count));
  put_double(out, 3, h.sum);
  put_number(out, 4, zigzag(h.schema));
  put_double(out, 5, h.zero_threshold);
  if (h.is_float)
    put_double(out, 7, h.zero_count);
  else
    put_number(out, 6, static_cast<uint64_t>(h.zero_count));
  put_spans(out, 8, h.negative_spans);
  put_buckets(out, 9, h, h.negative_buckets);
  put_spans(out, 11, h.positive_spans);
  put_buckets(out, 12, h, h.positive_buckets);
  put_number(out, 14, static_cast<uint64_t>(h.hint));
  put_number(out, 15, static_cast<uint64_t>(ts));
  put_doubles(out, 16, h.custom_bounds);
  if (start != no_start_timestamp)
    put_number(out, 17, static_cast<uint64_t>(start));
}

}  // namespace troupe::remote
