#include "pipeline/remote/write_v2_encoder.h"

#include "pipeline/remote/message_encoder.h"
#include "storage/base/coding.h"

namespace troupe::remote {

uint32_t write_v2_encoder::number_of(std::string_view text) {
  const auto [at, is_new] =
      numbers_.try_emplace(std::string(text), static_cast<uint32_t>(texts_.size()));
  if (is_new) {
    texts_.push_back(&at->first);
    references_.push_back(0);
  }
  return at->second;
}

write_v2_encoder::series write_v2_encoder::prepare(const labels& of, const metadata& described) {
  series out;
  out.texts.reserve(2 * of.size());
  for (const auto& l : of) {
    out.texts.push_back(number_of(l.name));
    out.texts.push_back(number_of(l.value));
  }
  out.type = described.type;
  out.help = number_of(described.help);
  out.unit = number_of(described.unit);
  return out;
}

uint32_t write_v2_encoder::reference(uint32_t number) {
  uint32_t& ref = references_[number];
  if (ref == 0 && number != 0) {
    symbols_.push_back(number);
    ref = static_cast<uint32_t>(symbols_.size());
  }
  return ref;
}

void write_v2_encoder::begin(const series& s) {
  scratch_.clear();
  for (const uint32_t t : s.texts)
    put_varint(scratch_, reference(t));
  message_.clear();
  put_text(message_, 1, scratch_);
}

void write_v2_encoder::end(const series& s) {
  scratch_.clear();
  if (s.type != metric_type::unknown)
    put_number(scratch_, 1, static_cast<uint64_t>(s.type));
  if (s.help != 0)
    put_number(scratch_, 3, reference(s.help));
  if (s.unit != 0)
    put_number(scratch_, 4, reference(s.unit));
  put_text(message_, 5, scratch_);
  put_text(series_, 5, message_);
}

void write_v2_encoder::add(const series& s, std::span<const sample> samples) {
  begin(s);
  for (const auto& p : samples)
    put_sample(message_, 2, p);
  end(s);
}

void write_v2_encoder::add(const series& s, timestamp_ms ts, const histogram& h,
                           timestamp_ms start) {
  begin(s);
  scratch_.clear();
  put_histogram(scratch_, ts, h, start);
  put_text(message_, 3, scratch_);
  end(s);
}

void write_v2_encoder::add(const series& s, const sample& of, timestamp_ms start) {
  begin(s);
  put_started_sample(message_, 2, of, start);
  end(s);
}

void write_v2_encoder::add(const series& s, const exemplar& e) {
  begin(s);
  std::string references;
  for (const auto& l : e.lset) {
    put_varint(references, reference(number_of(l.name)));
    put_varint(references, reference(number_of(l.value)));
  }
  scratch_.clear();
  put_text(scratch_, 1, references);
  put_double(scratch_, 2, e.value);
  put_number(scratch_, 3, static_cast<uint64_t>(e.ts));
  put_text(message_, 4, scratch_);
  end(s);
}

std::string_view write_v2_encoder::request() {
  out_.clear();
  put_text(out_, 4, "");
  for (const uint32_t number : symbols_)
    put_text(out_, 4, *texts_[number]);
  out_ += series_;
  return out_;
}

void write_v2_encoder::clear() {
  for (const uint32_t number : symbols_)
    references_[number] = 0;
  symbols_.clear();
  series_.clear();
}

}  // namespace troupe::remote
