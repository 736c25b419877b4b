#include "pipeline/remote/write_codec.h"

#include "pipeline/remote/protobuf.h"
#include "storage/base/quote.h"

#include <cstring>
#include <utility>

namespace troupe::remote {

namespace {

std::string_view view(protozero::data_view d) {
  return {d.data(), d.size()};
}

/// A guess at the size of one series' labels and sample.
constexpr size_t usual_message_bytes = 96;
constexpr char sample_tag = 0x12, value_tag = 0x09, timestamp_tag = 0x10;

/// Reads `fields` as senders write them: one sample, its value and timestamp in this order. False
/// for anything else.
bool read_only_sample(std::string_view fields, float_entry& s) {
  constexpr size_t timestamp_at = 12;
  const size_t n = fields.size();
  if (n <= timestamp_at || n > timestamp_at + 10 || fields[0] != sample_tag ||
      static_cast<size_t>(fields[1]) != n - 2 || fields[2] != value_tag ||
      fields[timestamp_at - 1] != timestamp_tag)
    return false;
  std::memcpy(&s.value, fields.data() + 3, sizeof s.value);
  uint64_t ts = 0;
  unsigned shift = 0;
  for (size_t i = timestamp_at; i < n; ++i, shift += 7) {
    const auto b = static_cast<uint8_t>(fields[i]);
    ts |= uint64_t{b & 0x7fU} << shift;
    if (b < 0x80) {
      s.ts = static_cast<int64_t>(ts);
      return i + 1 == n;
    }
  }
  return false;
}

float_entry read_sample(protozero::pbf_reader m, uint32_t series) {
  float_entry s{0, 0, series};
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

bool is_label(const protozero::pbf_reader& m) {
  return m.tag_and_type() == protozero::tag_and_type(1, protozero::pbf_wire_type::length_delimited);
}

/// The message with all its labels in front, as senders are asked to write it.
std::string labels_first(std::string_view message) {
  std::string front, back;
  protozero::pbf_reader m(message.data(), message.size());
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

/// Collects the valid series of one request.
class request_reader {
 public:
  request_reader(series_cache& known, const write_limits& limits)
      : known_(known), limits_(limits) {}

  void read(std::string_view protobuf) {
    std::vector<series_cache::item> items;
    items.reserve(protobuf.size() / usual_message_bytes);
    protozero::pbf_reader request(protobuf.data(), protobuf.size());
    while (request.next()) {
      if (request.tag() == 1)
        items.push_back({view(request.get_view())});
      else if (request.tag() == 3)
        add_metadata(read_metadata(view(request.get_view())));
      else
        request.skip();
    }
    add_series(items);
    if (late_.empty())
      return;
    // Labels behind samples: legal, and nobody's habit.
    const std::vector<std::string> owned = std::exchange(late_, {});
    items.clear();
    for (const auto& message : owned)
      items.push_back({message});
    add_series(items);
  }

  decoded_write done() {
    if (!metadata_.empty()) {
      if (batches_.empty())
        batches_.push_back(std::make_shared<write_batch>());
      batches_.front()->metadata = std::move(metadata_);
    }
    for (auto& b : batches_)
      if (b->sample_count() + b->exemplars.size() + b->metadata.size() != 0)
        out_.batches.push_back(std::move(b));
    return std::move(out_);
  }

 private:
  void add_series(std::span<series_cache::item> items) {
    const auto pages = known_.resolve(items, [&](std::string_view key) { return parse(key); });
    const size_t first = batches_.size();
    for (const auto& p : pages) {
      auto b = std::make_shared<write_batch>();
      b->group = p.group;
      b->table = p.table;
      b->floats.reserve(p.items);
      batches_.push_back(std::move(b));
    }
    for (const auto& it : items) {
      // Without a place the labels were refused; or they are all behind the samples.
      if (it.page == series_cache::nowhere && !has_late_labels(it.rest()))
        refuse(labels_refusal(it.key()));
      else if (it.page == series_cache::nowhere ||
               !add_samples(it.rest(), *batches_[first + it.page], it.position))
        late_.push_back(labels_first(it.message));
    }
  }

  /// False, and nothing added, if a label follows.
  bool add_samples(std::string_view fields, write_batch& b, uint32_t series) {
    float_entry only{0, 0, series};
    if (read_only_sample(fields, only)) {
      b.floats.push_back(only);
      return true;
    }
    const size_t floats = b.floats.size(), exemplars = b.exemplars.size(),
                 histograms = b.histograms.size();
    const uint64_t refused = out_.refused_series;
    protozero::pbf_reader m(fields.data(), fields.size());
    while (m.next()) {
      switch (m.tag()) {
        case 1:
          if (!is_label(m)) {
            m.skip();
            break;
          }
          b.floats.resize(floats);
          b.exemplars.resize(exemplars);
          b.histograms.resize(histograms);
          out_.refused_series = refused;
          return false;
        case 2:
          b.floats.push_back(read_sample(m.get_message(), series));
          break;
        case 3:
          b.exemplars.push_back({read_exemplar(view(m.get_view())), series});
          break;
        case 4: {
          timestamp_ms ts = 0;
          auto h = read_histogram(view(m.get_view()), ts);
          if (consistent(*h))
            b.histograms.push_back({ts, no_start_timestamp, std::move(h), series});
          else
            refuse("histogram whose spans do not match its buckets");
          break;
        }
        default:
          m.skip();
      }
    }
    return true;
  }

  static bool has_late_labels(std::string_view fields) {
    protozero::pbf_reader m(fields.data(), fields.size());
    return m.next(1, protozero::pbf_wire_type::length_delimited);
  }

  /// Empty for labels that must not be stored.
  labels parse(std::string_view fields) {
    return labels_refusal(fields).empty() ? labels::from_views(labels_) : labels();
  }

  std::string labels_refusal(std::string_view fields) {
    labels_.clear();
    read_labels(fields, labels_);
    return refusal(labels_, limits_);
  }

  void refuse(std::string why) {
    if (out_.refused_series++ == 0)
      out_.first_refusal = std::move(why);
  }

  void add_metadata(metadata_entry e) {
    if (!e.family.empty() && is_valid_utf8(e.family) && is_valid_utf8(e.value.help) &&
        is_valid_utf8(e.value.unit))
      metadata_.push_back(std::move(e));
  }

  series_cache& known_;
  const write_limits& limits_;
  decoded_write out_;
  std::vector<std::shared_ptr<write_batch>> batches_;
  std::vector<metadata_entry> metadata_;
  std::vector<std::string> late_;
  std::vector<label_view> labels_;
};

}  // namespace

result<decoded_write> decode_write(std::string_view protobuf, series_cache& known,
                                   const write_limits& limits) {
  try {
    request_reader r(known, limits);
    r.read(protobuf);
    return r.done();
  } catch (const protozero::exception& e) {
    return {errc::invalid_argument, std::string("malformed remote-write request: ") + e.what()};
  }
}

}  // namespace troupe::remote
