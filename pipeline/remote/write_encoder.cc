#include "pipeline/remote/write_encoder.h"

#include "pipeline/remote/message_encoder.h"
#include "storage/base/check.h"

namespace troupe::remote {

std::string encode_series_labels(const labels& series) {
  std::string out;
  put_labels(out, series);
  return out;
}

void write_encoder::add(std::string_view series_labels, std::span<const sample> samples) {
  size_t size = series_labels.size();
  for (const auto& s : samples)
    size += sample_field_size(s);
  put_text_head(out_, 1, size);
  out_ += series_labels;
  for (const auto& s : samples)
    put_sample(out_, 2, s);
}

void write_encoder::add(std::string_view series_labels, timestamp_ms ts, const histogram& h) {
  TROUPE_CHECK(h.schema != histogram::custom_schema);
  scratch_.clear();
  put_histogram(scratch_, ts, h);
  put_text_head(out_, 1, series_labels.size() + text_field_size(scratch_.size()));
  out_ += series_labels;
  put_text(out_, 4, scratch_);
}

void write_encoder::add(std::string_view series_labels, const exemplar& e) {
  scratch_.clear();
  put_labels(scratch_, e.lset);
  put_double(scratch_, 2, e.value);
  put_number(scratch_, 3, static_cast<uint64_t>(e.ts));
  put_text_head(out_, 1, series_labels.size() + text_field_size(scratch_.size()));
  out_ += series_labels;
  put_text(out_, 3, scratch_);
}

void write_encoder::add(std::string_view family, const metadata& m) {
  scratch_.clear();
  if (m.type != metric_type::unknown)
    put_number(scratch_, 1, static_cast<uint64_t>(m.type));
  put_text(scratch_, 2, family);
  put_text(scratch_, 4, m.help);
  put_text(scratch_, 5, m.unit);
  put_text(out_, 3, scratch_);
}

}  // namespace troupe::remote
