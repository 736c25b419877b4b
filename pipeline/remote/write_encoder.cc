#include "pipeline/remote/write_encoder.h"

#include "pipeline/remote/message_encoder.h"
#include "storage/base/check.h"

namespace troupe::remote {

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

}  // namespace troupe::remote
