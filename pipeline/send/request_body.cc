#include "pipeline/send/request_body.h"

#include "pipeline/http/snappy_encoder.h"

namespace troupe::send {
namespace {

/// Beyond so many texts the encoder of version 2.0, which keeps them, starts anew.
constexpr size_t most_texts = 1 << 16;

std::string compressed(std::string_view raw) {
  std::string out;
  http::snappy(raw, out);
  return out;
}

exemplar exemplar_of(const entry& e) {
  return {e.extra->exemplar_labels, e.value, e.ts};
}

}  // namespace

std::string body_encoder::encode(std::span<const portion> parts, const metadata_book& described) {
  const bool v1 = protocol_ == remote::write_protocol::v1;
  if (v1)
    v1_.clear();
  else if (!v2_ || v2_->known_texts() > most_texts)
    v2_ = std::make_unique<remote::write_v2_encoder>();
  else
    v2_->clear();
  for (const auto& p : parts)
    for (const auto& e : p.entries)
      if (v1)
        add_v1(e);
      else
        add_v2(e, described);
  return compressed(v1 ? v1_.request() : v2_->request());
}

void body_encoder::add_v1(const entry& e) {
  const std::string series = remote::encode_series_labels(e.series);
  const sample s{e.ts, e.value};
  switch (e.kind) {
    case entry_kind::sample:
      return v1_.add(series, std::span(&s, 1));
    case entry_kind::histogram:
      return v1_.add(series, e.ts, *e.extra->hist);
    case entry_kind::exemplar:
      return v1_.add(series, exemplar_of(e));
  }
}

void body_encoder::add_v2(const entry& e, const metadata_book& described) {
  const auto series = v2_->prepare(e.series, described.of(e.series.get(metric_name_label)));
  const sample s{e.ts, e.value};
  switch (e.kind) {
    case entry_kind::sample:
      if (e.start_ts != no_start_timestamp)
        return v2_->add(series, s, e.start_ts);
      return v2_->add(series, std::span(&s, 1));
    case entry_kind::histogram:
      return v2_->add(series, e.ts, *e.extra->hist, e.start_ts);
    case entry_kind::exemplar:
      return v2_->add(series, exemplar_of(e));
  }
}

std::string body_encoder::encode_metadata(
    std::span<const std::pair<std::string, metadata>> families) {
  remote::write_encoder out;
  for (const auto& [family, m] : families)
    out.add(family, m);
  return compressed(out.request());
}

}  // namespace troupe::send
