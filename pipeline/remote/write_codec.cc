#include "pipeline/remote/write_codec.h"

#include "pipeline/remote/field_scan.h"
#include "pipeline/remote/protobuf.h"
#include "pipeline/remote/request_reader.h"

namespace troupe::remote {

namespace {

enum series_field : uint32_t { labels_field = 1, sample_field, exemplar_field, histogram_field };

class v1_reader : public request_reader<v1_reader> {
 public:
  using request_reader::request_reader;

  void read(std::string_view protobuf) {
    items all = new_items();
    protozero::pbf_reader request(protobuf.data(), protobuf.size());
    while (request.next()) {
      if (request.tag() == 1)
        add_item(all, view(request.get_view()));
      else if (request.tag() == 3)
        note_metadata(read_metadata(view(request.get_view())));
      else
        request.skip();
    }
    add_series(std::move(all));
  }

 private:
  friend class request_reader<v1_reader>;

  std::vector<series_cache::page_view> resolve(items& all) {
    return known_.resolve(all, [&](std::string_view key) {
      return labels_refusal(key).empty() ? labels::from_views(labels_) : labels();
    });
  }

  bool read_usual(const item& it, write_batch& b) {
    const std::string_view fields = it.rest();
    const char* const end = fields.data() + fields.size();
    float_entry s{0, 0, it.position};
    timestamp_ms start = 0;  // has no place in this version
    if (read_sample_field(fields.data(), end, s, start) != end || fields.empty())
      return false;
    b.floats.emplace_back(s);
    return true;
  }

  void read_any(const item& it, write_batch& b) {
    protozero::pbf_reader m(it.rest().data(), it.rest().size());
    while (m.next()) {
      switch (m.tag()) {
        case sample_field:
          add_float_charged(b, read_sample(m.get_message(), it.position), no_start_timestamp);
          break;
        case exemplar_field:
          add_exemplar(b, it, read_exemplar(view(m.get_view()), limits_));
          break;
        case histogram_field:
          add_histogram(b, it, view(m.get_view()), false);
          break;
        default:
          m.skip();
      }
    }
  }

  static float_entry read_sample(protozero::pbf_reader m, uint32_t series) {
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

  static bool has_late_labels(std::string_view fields) {
    protozero::pbf_reader m(fields.data(), fields.size());
    return m.next(labels_field, protozero::pbf_wire_type::length_delimited);
  }
  static std::string labels_first(std::string_view message) {
    return remote::labels_first(message);
  }
  static constexpr field_pair sample_fields{sample_field, histogram_field};

  std::string labels_refusal(std::string_view fields) {
    labels_.clear();
    read_labels(fields, limits_.max_labels, labels_);
    return series_refusal(labels_, limits_);
  }

  void note_metadata(const metadata_fields& m) {
    const auto hash = [&](std::string_view text) { return known_.hash_text(text); };
    add_metadata(m, metadata_cache::entry_of(hash(m.family), m.type, hash(m.unit), hash(m.help)));
  }
};

}  // namespace

result<decoded_write> decode_write(std::string_view protobuf, series_cache& known,
                                   const write_limits& limits) {
  return read_request<v1_reader>(protobuf, known, limits);
}

}  // namespace troupe::remote
