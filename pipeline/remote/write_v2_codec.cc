// Field numbers are those of prompb/io/prometheus/write/v2/types.proto, version 2.0-rc.4, and of
// its earlier form, where the start time is one of the series.
#include "pipeline/remote/field_scan.h"
#include "pipeline/remote/protobuf.h"
#include "pipeline/remote/request_reader.h"
#include "pipeline/remote/write_codec.h"
#include "storage/base/coding.h"

#include <cstring>
#include <optional>

namespace troupe::remote {

namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;

enum request_field : uint32_t { symbols_field = 4, timeseries_field };
enum series_field : uint32_t {
  references_field = 1,
  sample_field,
  histogram_field,
  exemplar_field,
  metadata_field,
  created_field,
};
constexpr char metadata_tag = 0x2a, created_tag = 0x30;

struct wrong_symbols : protozero::exception {
  const char* what() const noexcept override { return "the first symbol is not the empty string"; }
};

class v2_reader : public request_reader<v2_reader> {
 public:
  using request_reader::request_reader;

  void read(std::string_view protobuf) {
    items all = new_items();
    pbf_reader request(protobuf.data(), protobuf.size());
    while (request.next()) {
      if (request.tag() == symbols_field)
        add_symbol(view(request.get_view()));
      else if (request.tag() == timeseries_field)
        add_item(all, view(request.get_view()));
      else
        request.skip();
    }
    if (!symbols_.empty() && !symbols_.front().empty())
      throw wrong_symbols();
    add_series(std::move(all));
  }

 private:
  friend class request_reader<v2_reader>;

  void add_symbol(std::string_view text) {
    charge(sizeof text + sizeof(hash128) + sizeof(const char*));
    if (text == metric_name_label && name_symbol_ == none)
      name_symbol_ = symbols_.size();
    symbols_.push_back(text);
    hashes_.push_back(known_.hash_text(text));
  }

  std::vector<series_cache::page_view> resolve(items& all) {
    return known_.resolve(all, hashes_, [&](std::string_view key) {
      return labels_refusal(key).empty() ? labels::from_views(labels_) : labels();
    });
  }

  // --- what is behind the references ---

  bool read_usual(const item& it, write_batch& b) {
    const std::string_view fields = it.rest();
    const char* const end = fields.data() + fields.size();
    float_entry s{0, 0, it.position};
    timestamp_ms start = no_start_timestamp;
    const char* p = read_sample_field(fields.data(), end, s, start);
    if (p == nullptr)
      return false;
    std::string_view described;
    if (end - p >= 2 && *p == metadata_tag) {
      const auto length = static_cast<uint8_t>(p[1]);
      if (length >= 0x80 || length > end - p - 2)
        return false;
      described = {p + 2, length};
      p += 2 + length;
    }
    if (p != end && *p == created_tag) {
      uint64_t created = 0;
      p = read_varint(p + 1, end, created);
      start = start_or(start, static_cast<timestamp_ms>(created));
    }
    if (p != end)
      return false;
    note_metadata(it, described);
    add_float(b, s, start);
    return true;
  }

  void read_any(const item& it, write_batch& b) {
    timestamp_ms created = no_start_timestamp;
    samples_.clear();
    const size_t first_histogram = b.histograms.size();
    pbf_reader m(it.rest().data(), it.rest().size());
    while (m.next()) {
      switch (m.tag()) {
        case sample_field:
          charge(sizeof(started_sample));
          samples_.push_back(read_sample(m.get_message(), it.position));
          break;
        case histogram_field:
          add_histogram(b, it, view(m.get_view()), true);
          break;
        case exemplar_field:
          read_exemplar_of(b, it, m.get_message());
          break;
        case metadata_field:
          note_metadata(it, view(m.get_view()));
          break;
        case created_field:
          created = m.get_int64();
          break;
        default:
          m.skip();
      }
    }
    for (const auto& s : samples_)
      add_float(b, s.value, start_or(s.start, created));
    for (size_t i = first_histogram; i < b.histograms.size(); ++i)
      b.histograms[i].start_ts = start_or(b.histograms[i].start_ts, created);
  }

  struct started_sample {
    float_entry value;
    timestamp_ms start = no_start_timestamp;
  };
  static started_sample read_sample(pbf_reader m, uint32_t series) {
    started_sample s{{0, 0, series}, no_start_timestamp};
    while (m.next()) {
      if (m.tag() == 1)
        s.value.value = m.get_double();
      else if (m.tag() == 2)
        s.value.ts = m.get_int64();
      else if (m.tag() == 3)
        s.start = m.get_int64();
      else
        m.skip();
    }
    return s;
  }
  static timestamp_ms start_or(timestamp_ms own, timestamp_ms of_series) {
    return own != no_start_timestamp ? own : of_series;
  }

  void read_exemplar_of(write_batch& b, const item& it, pbf_reader m) {
    exemplar_fields e;
    std::string references, why;
    while (m.next()) {
      if (m.tag() == 1)
        append_references(m, references);
      else if (m.tag() == 2)
        e.value = m.get_double();
      else if (m.tag() == 3)
        e.ts = m.get_int64();
      else
        m.skip();
    }
    if (why = read_references(references, e.labels); why.empty())
      add_exemplar(b, it, std::move(e));
    else
      out_.refused_exemplars.add([&] { return std::move(why); });
  }

  // --- references ---

  static bool has_late_labels(std::string_view fields) {
    pbf_reader m(fields.data(), fields.size());
    return m.next(references_field);
  }

  /// The message with all its references in front, in one packed field.
  static std::string labels_first(std::string_view message) {
    std::string references, front, back;
    pbf_reader m(message.data(), message.size());
    const char* begin = message.data();
    while (m.next()) {
      if (m.tag() == references_field) {
        append_references(m, references);
      } else {
        m.skip();
        back.append(begin, m.data().data());
      }
      begin = m.data().data();
    }
    protozero::pbf_writer(front).add_bytes(references_field, references);
    return front + back;
  }

  /// A repeated number may come packed or one by one.
  static void append_references(pbf_reader& m, std::string& packed) {
    if (m.wire_type() == pbf_wire_type::varint)
      put_varint(packed, m.get_uint32());
    else
      packed.append(view(m.get_view()));
  }

  static constexpr field_pair sample_fields{sample_field, histogram_field};

  std::string labels_refusal(std::string_view key) {
    labels_.clear();
    pbf_reader m(key.data(), key.size());
    if (m.next(references_field, pbf_wire_type::length_delimited))
      if (auto why = read_references(view(m.get_view()), labels_); !why.empty())
        return why;
    return series_refusal(labels_, limits_);
  }

  /// Appends the labels that these references mean, one more than the limit at most; or says what
  /// is wrong with them.
  std::string read_references(std::string_view packed, std::vector<label_view>& out) const {
    const char *p = packed.data(), *const end = p + packed.size();
    std::optional<std::string_view> name;
    while (p != end && out.size() <= limits_.max_labels) {
      uint64_t ref = 0;
      p = read_varint(p, end, ref);
      if (p == nullptr)
        return "malformed label references";
      if (ref >= symbols_.size())
        return "label reference " + std::to_string(ref) + " is beyond the " +
               std::to_string(symbols_.size()) + " symbols";
      if (!name) {
        name = symbols_[ref];
        continue;
      }
      out.push_back({*name, symbols_[ref]});
      name.reset();
    }
    return name ? "odd number of label references" : "";
  }

  /// The symbol of the metric's name; `none` if the key has none.
  size_t name_in(std::string_view key) const {
    const char *p = key.data() + 1, *const end = key.data() + key.size();
    uint64_t name = 0, value = 0;
    p = read_varint(p, end, value);  // the length
    while (p != nullptr && p != end) {
      if ((p = read_varint(p, end, name)) == nullptr)
        break;
      if ((p = read_varint(p, end, value)) != nullptr && name == name_symbol_)
        return value;
    }
    return none;
  }

  // --- metadata ---

  /// The series of a name usually carry equal bytes: each name costs something once a request.
  void note_metadata(const item& it, std::string_view message) {
    if (message.empty())
      return;
    const size_t name = name_in(it.key());
    if (name == none)
      return;
    described_by_.resize(symbols_.size());
    const char*& last = described_by_[name];
    // The byte before a short message is its length.
    if (last != nullptr && static_cast<uint8_t>(last[-1]) == message.size() &&
        std::memcmp(last, message.data(), message.size()) == 0)
      return;
    last = message.data();
    int64_t type = 0;
    size_t help = 0, unit = 0;
    pbf_reader m(message.data(), message.size());
    while (m.next()) {
      if (m.tag() == 1)
        type = m.get_enum();
      else if (m.tag() == 3)
        help = m.get_uint32();
      else if (m.tag() == 4)
        unit = m.get_uint32();
      else
        m.skip();
    }
    if (help >= symbols_.size() || unit >= symbols_.size())
      return out_.refused_metadata.add([&] {
        return "metadata reference is beyond the " + std::to_string(symbols_.size()) + " symbols";
      });
    metadata_fields f{symbols_[name], metric_type_of(type), symbols_[unit], symbols_[help]};
    if (f.type == metric_type::unknown && f.help.empty() && f.unit.empty())
      return;
    f.family = family_of(f.family, f.type);
    add_metadata(f, metadata_cache::entry_of(hashes_[name], f.type, hashes_[unit], hashes_[help]));
  }

  /// The metadata come with each series, and the series of a histogram or summary have suffixes.
  static std::string_view family_of(std::string_view series, metric_type type) {
    static constexpr std::string_view of_histogram[] = {"_bucket", "_count", "_sum"};
    static constexpr std::string_view of_gauge_histogram[] = {"_bucket", "_gcount", "_gsum"};
    static constexpr std::string_view of_summary[] = {"_count", "_sum"};
    std::span<const std::string_view> suffixes;
    if (type == metric_type::histogram)
      suffixes = of_histogram;
    else if (type == metric_type::gaugehistogram)
      suffixes = of_gauge_histogram;
    else if (type == metric_type::summary)
      suffixes = of_summary;
    for (const auto s : suffixes)
      if (series.size() > s.size() && series.ends_with(s))
        return series.substr(0, series.size() - s.size());
    return series;
  }

  static constexpr size_t none = SIZE_MAX;
  std::vector<std::string_view> symbols_;
  std::vector<hash128> hashes_;            ///< of the symbols
  size_t name_symbol_ = none;              ///< "__name__"
  std::vector<started_sample> samples_;    ///< scratch
  std::vector<const char*> described_by_;  ///< by name, the last metadata message
};

}  // namespace

result<decoded_write> decode_write_v2(std::string_view protobuf, series_cache& known,
                                      const write_limits& limits) {
  return read_request<v2_reader>(protobuf, known, limits);
}

}  // namespace troupe::remote
