// Metrics in protobuf. A message's head may follow its parts, so each is read twice: what comes
// first for the sink, then the rest.
#include "pipeline/otlp/any_value.h"
#include "pipeline/otlp/metrics.h"
#include "pipeline/remote/protobuf.h"

#include <deque>

namespace troupe::otlp {

namespace {

using protozero::pbf_reader;
using protozero::pbf_wire_type;
using remote::view;

struct malformed : protozero::exception {
  explicit malformed(const char* why) : why_(why) {}
  const char* what() const noexcept override { return why_; }

 private:
  const char* why_;
};
struct too_many : malformed {
  using malformed::malformed;
};

template <class T>
void add(T value, size_t most, const char* why, std::vector<T>& to) {
  if (to.size() == most)
    throw too_many(why);
  to.push_back(std::move(value));
}

any_value read_value(pbf_reader m, size_t depth) {
  if (depth > max_value_depth)
    throw malformed("an attribute's value is nested too deeply");
  any_value v;
  using kind = any_value::kind;
  const auto members = [&](kind type, auto read_member) {
    v = {};
    v.type = type;
    pbf_reader list = m.get_message();
    while (list.next()) {
      if (list.tag() == 1)
        v.members.push_back(read_member(list.get_message()));
      else
        list.skip();
    }
  };
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        v.type = kind::text;
        v.text = view(m.get_view());
        break;
      case 2:
        v.type = kind::boolean;
        v.boolean = m.get_bool();
        break;
      case 3:
        v.type = kind::integer;
        v.integer = m.get_int64();
        break;
      case 4:
        v.type = kind::real;
        v.real = m.get_double();
        break;
      case 5:
        members(kind::array, [&](const pbf_reader& item) {
          return any_value::member{{}, read_value(item, depth + 1)};
        });
        break;
      case 6:
        members(kind::map, [&](pbf_reader item) {
          any_value::member out;
          while (item.next()) {
            if (item.tag() == 1)
              out.key = view(item.get_view());
            else if (item.tag() == 2)
              out.value = read_value(item.get_message(), depth + 1);
            else
              item.skip();
          }
          return out;
        });
        break;
      case 7:
        v.type = kind::bytes;
        v.text = view(m.get_view());
        break;
      default:
        m.skip();
    }
  }
  return v;
}

/// One fixed value, or a packed field of them.
template <class T, class Single, class Packed>
void add_numbers(const pbf_reader& m, pbf_wire_type single, Single read_single, Packed read_packed,
                 std::vector<T>& to) {
  constexpr const char* why = "a data point has too many buckets";
  if (m.wire_type() == single)
    return add(read_single(), max_buckets, why, to);
  for (const T n : read_packed())
    add(n, max_buckets, why, to);
}
void add_doubles(pbf_reader& m, std::vector<double>& to) {
  add_numbers(
      m, pbf_wire_type::fixed64, [&] { return m.get_double(); },
      [&] { return m.get_packed_double(); }, to);
}
void add_fixed(pbf_reader& m, std::vector<uint64_t>& to) {
  add_numbers(
      m, pbf_wire_type::fixed64, [&] { return m.get_fixed64(); },
      [&] { return m.get_packed_fixed64(); }, to);
}
void add_varints(pbf_reader& m, std::vector<uint64_t>& to) {
  add_numbers(
      m, pbf_wire_type::varint, [&] { return m.get_uint64(); },
      [&] { return m.get_packed_uint64(); }, to);
}

class request_reader {
 public:
  explicit request_reader(metrics_sink& to) : to_(to) {}

  void read(std::string_view request) {
    for_each(pbf_reader(request.data(), request.size()), 1,
             [&](const pbf_reader& m) { read_resource_metrics(m); });
  }

 private:
  /// Calls f for each message that is this field.
  template <class F>
  void for_each(pbf_reader m, uint32_t field, F f) {
    while (!to_.full() && m.next(field, pbf_wire_type::length_delimited))
      f(m.get_message());
  }

  void read_resource_metrics(const pbf_reader& m) {
    std::deque<std::string> texts;
    std::vector<attribute> attributes;
    for_each(m, 1, [&](const pbf_reader& resource) {
      for_each(resource, 1, [&](const pbf_reader& a) { add_attribute(a, attributes, texts); });
    });
    to_.begin_resource(attributes);
    for_each(m, 2, [&](const pbf_reader& s) { read_scope_metrics(s); });
    to_.end_resource();
  }

  void read_scope_metrics(pbf_reader m) {
    const pbf_reader all = m;
    std::deque<std::string> texts;
    scope s;
    while (m.next()) {
      if (m.tag() == 1)
        read_scope(m.get_message(), s, texts);
      else if (m.tag() == 3)
        s.schema_url = view(m.get_view());
      else
        m.skip();
    }
    to_.begin_scope(s);
    for_each(all, 2, [&](const pbf_reader& metric) { read_metric(metric); });
  }

  static void read_scope(pbf_reader m, scope& s, std::deque<std::string>& texts) {
    while (m.next()) {
      if (m.tag() == 1)
        s.name = view(m.get_view());
      else if (m.tag() == 2)
        s.version = view(m.get_view());
      else if (m.tag() == 3)
        add_attribute(m.get_message(), s.attributes, texts);
      else
        m.skip();
    }
  }

  static void add_attribute(pbf_reader m, std::vector<attribute>& to,
                            std::deque<std::string>& texts) {
    attribute a;
    while (m.next()) {
      if (m.tag() == 1) {
        a.key = view(m.get_view());
      } else if (m.tag() == 2) {
        const any_value v = read_value(m.get_message(), 1);
        a.value = v.type == any_value::kind::text
                      ? v.text
                      : std::string_view(texts.emplace_back(to_text(v)));
      } else {
        m.skip();
      }
    }
    add(a, max_attributes, "too many attributes", to);
  }

  void read_metric(pbf_reader m) {
    metric head;
    pbf_reader data;
    while (m.next()) {
      switch (m.tag()) {
        case 1:
          head.name = view(m.get_view());
          break;
        case 2:
          head.description = view(m.get_view());
          break;
        case 3:
          head.unit = view(m.get_view());
          break;
        case 5:
        case 7:
        case 9:
        case 10:
        case 11:
          head.kind = kind_of(m.tag());
          data = m.get_message();
          break;
        default:
          m.skip();
      }
    }
    read_kind_head(data, head);
    to_.begin_metric(head);
    for_each(data, 1, [&](const pbf_reader& p) { read_point(p, head.kind); });
  }

  static metric_kind kind_of(uint32_t field) {
    return field == 5    ? metric_kind::gauge
           : field == 7  ? metric_kind::sum
           : field == 9  ? metric_kind::histogram
           : field == 10 ? metric_kind::exponential
                         : metric_kind::summary;
  }

  static void read_kind_head(pbf_reader data, metric& head) {
    while (data.next()) {
      if (data.tag() == 2 && data.wire_type() == pbf_wire_type::varint) {
        const int32_t n = data.get_enum();
        head.aggregation = n == 1   ? temporality::delta
                           : n == 2 ? temporality::cumulative
                                    : temporality::unspecified;
      } else if (data.tag() == 3 && head.kind == metric_kind::sum) {
        head.monotonic = data.get_bool();
      } else {
        data.skip();
      }
    }
  }

  /// The fields that data points of all kinds have, by the kind's own numbers; 0: it has none.
  struct common_tags {
    uint32_t attributes, exemplars, flags, count, sum;
  };
  static common_tags tags_of(metric_kind kind) {
    switch (kind) {
      case metric_kind::histogram:
        return {9, 8, 10, 4, 5};
      case metric_kind::exponential:
        return {1, 11, 10, 4, 5};
      case metric_kind::summary:
        return {7, 0, 8, 4, 5};
      default:
        return {7, 5, 8, 0, 0};
    }
  }

  void read_point(pbf_reader m, metric_kind kind) {
    data_point p;
    texts_.clear();
    const auto tags = tags_of(kind);
    while (m.next()) {
      const auto tag = m.tag();
      if (tag == 2)
        p.start_ns = m.get_fixed64();
      else if (tag == 3)
        p.time_ns = m.get_fixed64();
      else if (tag == tags.attributes)
        add_attribute(m.get_message(), p.attributes, texts_);
      else if (tag == tags.exemplars)
        add_exemplar(m.get_message(), p);
      else if (tag == tags.flags)
        p.no_value = (m.get_uint32() & 1) != 0;
      else if (tag == tags.count)
        p.count = m.get_fixed64();
      else if (tag == tags.sum)
        p.sum = m.get_double();
      else
        read_own_field(m, kind, p);
    }
    to_.add(p);
  }

  void read_own_field(pbf_reader& m, metric_kind kind, data_point& p) {
    const auto tag = m.tag();
    if (kind == metric_kind::histogram && tag == 6)
      add_fixed(m, p.bucket_counts);
    else if (kind == metric_kind::histogram && tag == 7)
      add_doubles(m, p.bounds);
    else if (kind == metric_kind::exponential && tag == 6)
      p.scale = m.get_sint32();
    else if (kind == metric_kind::exponential && tag == 7)
      p.zero_count = m.get_fixed64();
    else if (kind == metric_kind::exponential && tag == 8)
      read_buckets(m.get_message(), p.positive);
    else if (kind == metric_kind::exponential && tag == 9)
      read_buckets(m.get_message(), p.negative);
    else if (kind == metric_kind::exponential && tag == 14)
      p.zero_threshold = m.get_double();
    else if (kind == metric_kind::summary && tag == 6)
      add(read_quantile(m.get_message()), max_buckets, "a data point has too many quantiles",
          p.quantiles);
    else if (is_number(kind) && tag == 4)
      p.value = m.get_double();
    else if (is_number(kind) && tag == 6)
      p.set_integer(m.get_sfixed64());
    else
      m.skip();
  }

  static bool is_number(metric_kind kind) {
    return kind == metric_kind::gauge || kind == metric_kind::sum;
  }

  static void read_buckets(pbf_reader m, bucket_range& to) {
    while (m.next()) {
      if (m.tag() == 1)
        to.offset = m.get_sint32();
      else if (m.tag() == 2)
        add_varints(m, to.counts);
      else
        m.skip();
    }
  }

  static quantile_value read_quantile(pbf_reader m) {
    quantile_value q;
    while (m.next()) {
      if (m.tag() == 1)
        q.quantile = m.get_double();
      else if (m.tag() == 2)
        q.value = m.get_double();
      else
        m.skip();
    }
    return q;
  }

  void add_exemplar(pbf_reader m, data_point& p) {
    point_exemplar e;
    while (m.next()) {
      switch (m.tag()) {
        case 2:
          e.time_ns = m.get_fixed64();
          break;
        case 3:
          e.value = m.get_double();
          break;
        case 4:
          e.span_id = read_id(m, 8);
          break;
        case 5:
          e.trace_id = read_id(m, 16);
          break;
        case 6:
          e.value = static_cast<double>(m.get_sfixed64());
          break;
        case 7:
          add_attribute(m.get_message(), e.attributes, texts_);
          break;
        default:
          m.skip();
      }
    }
    add(std::move(e), max_exemplars, "a data point has too many exemplars", p.exemplars);
  }

  static std::string_view read_id(pbf_reader& m, size_t size) {
    const auto id = view(m.get_view());
    if (!id.empty() && id.size() != size)
      throw malformed("an exemplar's trace or span id has a wrong length");
    return id.find_first_not_of('\0') == id.npos ? std::string_view() : id;
  }

  metrics_sink& to_;
  std::deque<std::string> texts_;  ///< of a data point
};

}  // namespace

status read_protobuf(std::string_view request, metrics_sink& to) {
  try {
    request_reader(to).read(request);
  } catch (const too_many& e) {
    return {errc::out_of_bounds, e.what()};
  } catch (const protozero::exception& e) {
    return {errc::invalid_argument, std::string("malformed OTLP request: ") + e.what()};
  }
  return {};
}

std::string protobuf_response(uint64_t rejected_points, std::string_view message) {
  std::string partial, out;
  if (message.empty())
    return out;
  protozero::pbf_writer fields(partial);
  fields.add_int64(1, static_cast<int64_t>(rejected_points));
  fields.add_string(2, message.data(), message.size());
  protozero::pbf_writer(out).add_message(1, partial);
  return out;
}

}  // namespace troupe::otlp
