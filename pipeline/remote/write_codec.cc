#include "pipeline/remote/write_codec.h"

#include <protozero/pbf_reader.hpp>

#include <algorithm>
#include <unordered_map>

namespace troupe::remote {

namespace {

std::string_view view(protozero::data_view d) {
  return {d.data(), d.size()};
}

bool valid_utf8(std::string_view s) {
  for (size_t i = 0; i < s.size();) {
    auto c = static_cast<unsigned char>(s[i]);
    if (c < 0x80) {
      ++i;
      continue;
    }
    size_t n = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || i + n > s.size())
      return false;
    for (size_t k = 1; k < n; ++k) {
      if ((static_cast<unsigned char>(s[i + k]) & 0xc0) != 0x80)
        return false;
    }
    auto second = static_cast<unsigned char>(s[i + 1]);
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
        (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
      return false;
    i += n;
  }
  return true;
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

/// "" if the labels may be stored.
std::string refusal(const std::vector<label_view>& ls, const write_limits& limits,
                    bool needs_name) {
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
    if (!valid_utf8(l.name) || !valid_utf8(l.value))
      return "label is not valid UTF-8";
    named = named || (l.name == metric_name_label && !l.value.empty());
    names.push_back(l.name);
  }
  std::sort(names.begin(), names.end());
  if (auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    return "duplicate label name " + std::string(*twice);
  if (needs_name && !named)
    return "series without a metric name";
  return {};
}

sample read_sample(protozero::pbf_reader m) {
  sample s;
  while (m.next()) {
    if (m.tag() == 1)
      s.value = m.get_double();
    else if (m.tag() == 2)
      s.ts = m.get_int64();
    else
      m.skip();
  }
  return s;
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

/// prometheus.Histogram; the timestamp goes to `ts`.
histogram_ptr read_histogram(protozero::pbf_reader m, timestamp_ms& ts) {
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

/// The spans must name as many buckets as there are.
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

exemplar read_exemplar(protozero::pbf_reader m) {
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

metadata_entry read_metadata(protozero::pbf_reader m) {
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

/// Collects the valid series of one request.
class builder {
 public:
  explicit builder(const write_limits& limits) : limits_(limits) {}

  void add_series(protozero::pbf_reader m) {
    labels_.clear();
    // Labels may come in any place of the message: read them first.
    for (auto first = m; first.next();) {
      if (first.tag() == 1)
        labels_.push_back(read_label(first.get_message()));
      else
        first.skip();
    }
    if (auto why = refusal(labels_, limits_, true); !why.empty()) {
      if (out_.refused_series++ == 0)
        out_.first_refusal = std::move(why);
      return;
    }
    uint32_t series = position(labels::from_views(labels_));
    while (m.next()) {
      switch (m.tag()) {
        case 2: {
          sample s = read_sample(m.get_message());
          batch_->floats.push_back({s.ts, s.value, series});
          break;
        }
        case 3:
          batch_->exemplars.push_back({read_exemplar(m.get_message()), series});
          break;
        case 4: {
          timestamp_ms ts = 0;
          auto h = read_histogram(m.get_message(), ts);
          if (consistent(*h))
            batch_->histograms.push_back({ts, no_start_timestamp, std::move(h), series});
          else if (out_.refused_series++ == 0)
            out_.first_refusal = "histogram whose spans do not match its buckets";
          break;
        }
        default:
          m.skip();
      }
    }
  }

  void add_metadata(metadata_entry e) {
    if (!e.family.empty() && valid_utf8(e.family) && valid_utf8(e.value.help) &&
        valid_utf8(e.value.unit))
      batch_->metadata.push_back(std::move(e));
  }

  decoded_write done() {
    if (batch_->floats.empty() && batch_->histograms.empty() && batch_->exemplars.empty() &&
        batch_->metadata.empty())
      return std::move(out_);
    batch_->table = make_series_table("", std::move(series_));
    out_.batch = std::move(batch_);
    return std::move(out_);
  }

 private:
  uint32_t position(labels l) {
    auto& same_hash = by_hash_[l.hash()];
    for (uint32_t i : same_hash) {
      if (series_[i] == l)
        return i;
    }
    same_hash.push_back(static_cast<uint32_t>(series_.size()));
    series_.push_back(std::move(l));
    return same_hash.back();
  }

  const write_limits& limits_;
  decoded_write out_;
  std::shared_ptr<write_batch> batch_ = std::make_shared<write_batch>();
  std::vector<label_view> labels_;
  std::vector<labels> series_;
  std::unordered_map<uint64_t, std::vector<uint32_t>> by_hash_;
};

}  // namespace

result<decoded_write> decode_write(std::string_view protobuf, const write_limits& limits) {
  try {
    builder b(limits);
    protozero::pbf_reader request(protobuf.data(), protobuf.size());
    while (request.next()) {
      if (request.tag() == 1)
        b.add_series(request.get_message());
      else if (request.tag() == 3)
        b.add_metadata(read_metadata(request.get_message()));
      else
        request.skip();
    }
    return b.done();
  } catch (const protozero::exception& e) {
    return {errc::invalid_argument, std::string("malformed remote-write request: ") + e.what()};
  }
}

}  // namespace troupe::remote
