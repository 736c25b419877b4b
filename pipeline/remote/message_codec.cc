#include "pipeline/remote/message_codec.h"

#include "pipeline/remote/protobuf.h"
#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::remote {

namespace {

std::string_view view(protozero::data_view d) {
  return {d.data(), d.size()};
}

label_view read_label(protozero::pbf_reader m) {
  label_view l;
  while (m.next()) {
    if (m.tag() == 1)
      l.name = view(m.get_view());
    else if (m.tag() == 2)
      l.value = view(m.get_view());
    else
      m.skip();
  }
  return l;
}

histogram_span read_span(protozero::pbf_reader m) {
  histogram_span s;
  while (m.next()) {
    if (m.tag() == 1)
      s.offset = m.get_sint32();
    else if (m.tag() == 2)
      s.length = m.get_uint32();
    else
      m.skip();
  }
  return s;
}

void add_deltas(protozero::pbf_reader& m, std::vector<double>& buckets) {
  int64_t at = 0;
  for (int64_t d : m.get_packed_sint64()) {
    at += d;
    buckets.push_back(static_cast<double>(at));
  }
}

template <class Range>
void add_doubles(Range range, std::vector<double>& out) {
  out.insert(out.end(), range.begin(), range.end());
}

}  // namespace

void read_labels(std::string_view fields, std::vector<label_view>& out) {
  protozero::pbf_reader m(fields.data(), fields.size());
  while (m.next()) {
    if (m.tag() == 1)
      out.push_back(read_label(m.get_message()));
    else
      m.skip();
  }
}

std::string refusal(std::span<const label_view> ls, const write_limits& limits) {
  if (ls.size() > limits.max_labels)
    return "more than " + std::to_string(limits.max_labels) + " labels on one series";
  bool named = false;
  std::vector<std::string_view> names;
  for (const auto& l : ls) {
    if (l.name.empty())
      return "empty label name";
    if (l.name.size() > limits.max_label_bytes || l.value.size() > limits.max_label_bytes)
      return "label " + std::string(l.name.substr(0, 64)) + " is longer than " +
             std::to_string(limits.max_label_bytes) + " bytes";
    if (!is_valid_utf8(l.name) || !is_valid_utf8(l.value))
      return "label is not valid UTF-8";
    named = named || (l.name == metric_name_label && !l.value.empty());
    names.push_back(l.name);
  }
  std::sort(names.begin(), names.end());
  if (auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    return "duplicate label name " + std::string(*twice);
  if (!named)
    return "series without a metric name";
  return {};
}

histogram_ptr read_histogram(std::string_view message, timestamp_ms& ts) {
  protozero::pbf_reader m(message.data(), message.size());
  auto h = std::make_shared<histogram>();
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        h->count = static_cast<double>(m.get_uint64());
        break;
      case 2:
        h->count = m.get_double();
        h->is_float = true;
        break;
      case 3:
        h->sum = m.get_double();
        break;
      case 4:
        h->schema = m.get_sint32();
        break;
      case 5:
        h->zero_threshold = m.get_double();
        break;
      case 6:
        h->zero_count = static_cast<double>(m.get_uint64());
        break;
      case 7:
        h->zero_count = m.get_double();
        break;
      case 8:
        h->negative_spans.push_back(read_span(m.get_message()));
        break;
      case 9:
        add_deltas(m, h->negative_buckets);
        break;
      case 10:
        add_doubles(m.get_packed_double(), h->negative_buckets);
        break;
      case 11:
        h->positive_spans.push_back(read_span(m.get_message()));
        break;
      case 12:
        add_deltas(m, h->positive_buckets);
        break;
      case 13:
        add_doubles(m.get_packed_double(), h->positive_buckets);
        break;
      case 14:
        h->hint = static_cast<counter_reset_hint>(std::clamp(m.get_enum(), 0, 3));
        break;
      case 15:
        ts = m.get_int64();
        break;
      case 16:
        add_doubles(m.get_packed_double(), h->custom_bounds);
        break;
      default:
        m.skip();
    }
  }
  return h;
}

bool consistent(const histogram& h) {
  auto sum = [](const std::vector<histogram_span>& spans) {
    uint64_t n = 0;
    for (const auto& s : spans)
      n += s.length;
    return n;
  };
  return sum(h.positive_spans) == h.positive_buckets.size() &&
         sum(h.negative_spans) == h.negative_buckets.size();
}

exemplar read_exemplar(std::string_view message) {
  protozero::pbf_reader m(message.data(), message.size());
  exemplar e;
  std::vector<label_view> ls;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        ls.push_back(read_label(m.get_message()));
        break;
      case 2:
        e.value = m.get_double();
        break;
      case 3:
        e.ts = m.get_int64();
        break;
      default:
        m.skip();
    }
  }
  e.lset = labels::from_views(std::move(ls));
  return e;
}

metadata_entry read_metadata(std::string_view message) {
  protozero::pbf_reader m(message.data(), message.size());
  static constexpr metric_type types[] = {
      metric_type::unknown,        metric_type::counter, metric_type::gauge, metric_type::histogram,
      metric_type::gaugehistogram, metric_type::summary, metric_type::info,  metric_type::stateset};
  metadata_entry e;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        e.value.type = types[std::clamp(m.get_enum(), 0, 7)];
        break;
      case 2:
        e.family = view(m.get_view());
        break;
      case 4:
        e.value.help = view(m.get_view());
        break;
      case 5:
        e.value.unit = view(m.get_view());
        break;
      default:
        m.skip();
    }
  }
  return e;
}

}  // namespace troupe::remote
