#include "pipeline/remote/message_codec.h"

#include "pipeline/remote/bucket_fields.h"
#include "pipeline/remote/protobuf.h"
#include "storage/base/quote.h"

#include <algorithm>

namespace troupe::remote {

namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

label_view read_label(pbf_reader m) {
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

bool is_label(const pbf_reader& m) {
  return m.tag_and_type() == protozero::tag_and_type(1, pbf_wire_type::length_delimited);
}

}  // namespace

void read_labels(std::string_view fields, size_t most, std::vector<label_view>& out) {
  pbf_reader m(fields.data(), fields.size());
  while (out.size() <= most && m.next()) {
    if (is_label(m))
      out.push_back(read_label(m.get_message()));
    else
      m.skip();
  }
}

std::string label_refusal(std::span<const label_view> ls, const write_limits& limits) {
  if (ls.size() > limits.max_labels)
    return "more than " + std::to_string(limits.max_labels) + " labels";
  std::vector<std::string_view> names;
  names.reserve(ls.size());
  for (const auto& l : ls) {
    if (l.name.empty())
      return "empty label name";
    if (l.name.size() > limits.max_label_bytes || l.value.size() > limits.max_label_bytes)
      return "label " + quoted(l.name.substr(0, 64)) + " is longer than " +
             std::to_string(limits.max_label_bytes) + " bytes";
    if (!is_valid_utf8(l.name) || !is_valid_utf8(l.value))
      return "label is not valid UTF-8";
    names.push_back(l.name);
  }
  std::sort(names.begin(), names.end());
  if (auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    return "duplicate label name " + quoted(twice->substr(0, 64));
  return {};
}

std::string series_refusal(std::span<const label_view> ls, const write_limits& limits) {
  if (auto why = label_refusal(ls, limits); !why.empty())
    return why;
  size_t bytes = 0;
  for (const auto& l : ls)
    bytes += l.name.size() + l.value.size();
  if (bytes > limits.max_series_bytes)
    return "labels of one series are longer than " + std::to_string(limits.max_series_bytes) +
           " bytes";
  const bool named = std::any_of(ls.begin(), ls.end(), [](const label_view& l) {
    return l.name == metric_name_label && !l.value.empty();
  });
  return named ? "" : "series without a metric name";
}

histogram_entry read_histogram(std::string_view message, const write_limits& limits) {
  pbf_reader m(message.data(), message.size());
  const size_t most = limits.max_buckets;
  auto h = std::make_shared<histogram>();
  histogram_entry out{0, no_start_timestamp, nullptr, 0};
  delta_reader positive, negative;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        h->count = static_cast<double>(m.get_uint64());
        h->is_float = false;
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
        read_span(m, most, h->negative_spans);
        break;
      case 9:
        negative.read(m, most, h->negative_buckets);
        break;
      case 10:
        read_doubles(m, most, h->negative_buckets);
        break;
      case 11:
        read_span(m, most, h->positive_spans);
        break;
      case 12:
        positive.read(m, most, h->positive_buckets);
        break;
      case 13:
        read_doubles(m, most, h->positive_buckets);
        break;
      case 14:
        h->hint = static_cast<counter_reset_hint>(std::clamp(m.get_enum(), 0, 3));
        break;
      case 15:
        out.ts = m.get_int64();
        break;
      case 16:
        read_doubles(m, most, h->custom_bounds);
        break;
      case 17:
        out.start_ts = m.get_int64();
        break;
      default:
        m.skip();
    }
  }
  out.value = std::move(h);
  return out;
}

std::string histogram_refusal(const histogram& h, const write_limits& limits) {
  for (const size_t n : {h.positive_buckets.size(), h.negative_buckets.size(),
                         h.positive_spans.size(), h.negative_spans.size(), h.custom_bounds.size()})
    if (n > limits.max_buckets)
      return "more than " + std::to_string(limits.max_buckets) + " buckets";
  return std::string(h.validate().message());
}

exemplar_fields read_exemplar(std::string_view message, const write_limits& limits) {
  pbf_reader m(message.data(), message.size());
  exemplar_fields e;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        if (const auto l = m.get_message(); e.labels.size() <= limits.max_labels)
          e.labels.push_back(read_label(l));
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
  return e;
}

size_t characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<uint8_t>(c) & 0xc0U) != 0x80; }));
}

std::string exemplar_refusal(const exemplar_fields& e, const write_limits& limits) {
  if (auto why = label_refusal(e.labels, limits); !why.empty())
    return why;
  size_t n = 0;
  for (const auto& l : e.labels)
    n += characters(l.name) + characters(l.value);
  return n <= limits.max_exemplar_characters
             ? ""
             : "labels of an exemplar are longer than " +
                   std::to_string(limits.max_exemplar_characters) + " characters";
}

metric_type metric_type_of(int64_t number) {
  static constexpr metric_type types[] = {
      metric_type::unknown,        metric_type::counter, metric_type::gauge, metric_type::histogram,
      metric_type::gaugehistogram, metric_type::summary, metric_type::info,  metric_type::stateset};
  return number >= 0 && number < static_cast<int64_t>(std::size(types)) ? types[number]
                                                                        : metric_type::unknown;
}

metadata_fields read_metadata(std::string_view message) {
  pbf_reader m(message.data(), message.size());
  metadata_fields out;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        out.type = metric_type_of(m.get_enum());
        break;
      case 2:
        out.family = view(m.get_view());
        break;
      case 4:
        out.help = view(m.get_view());
        break;
      case 5:
        out.unit = view(m.get_view());
        break;
      default:
        m.skip();
    }
  }
  return out;
}

std::string labels_first(std::string_view message) {
  std::string front, back;
  pbf_reader m(message.data(), message.size());
  const char* begin = message.data();
  while (m.next()) {
    if (is_label(m)) {
      protozero::pbf_writer(front).add_bytes(1, m.get_view());
    } else {
      m.skip();
      back.append(begin, m.data().data());
    }
    begin = m.data().data();
  }
  return front + back;
}

}  // namespace troupe::remote
