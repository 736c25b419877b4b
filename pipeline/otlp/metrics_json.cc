// Metrics in JSON, as opentelemetry-proto maps them: camelCase or snake_case keys, 64-bit integers
// as texts or numbers, ids in hexadecimal, null is absent. What an object's parts need is read
// before them, wherever it stands.
#include "pipeline/http/base64.h"
#include "pipeline/otlp/any_value.h"
#include "pipeline/otlp/metrics.h"
#include "pipeline/parse/json_reader.h"
#include "pipeline/parse/number.h"
#include "query/parser/printer.h"

#include <charconv>
#include <deque>

namespace troupe::otlp {

namespace {

using parse::json_reader;
using json_kind = json_reader::kind;
using texts = std::deque<std::string>;

/// A value to be read later.
struct part {
  std::string_view text;
  size_t position = 0;
};

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  c = static_cast<char>(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

class request_reader {
 public:
  request_reader(std::string_view request, metrics_sink& to) : in_(request), to_(to) {}

  status read() {
    object(in_, [&](std::string_view key) {
      if (key == "resourceMetrics" || key == "resource_metrics")
        array(in_, [&] { read_resource_metrics(); });
      else
        in_.skip();
    });
    if (!too_many_.ok() || to_.full())
      return too_many_;
    in_.finish();
    return in_.error();
  }

 private:
  // Of null there is nothing to read.
  template <class F>
  static void object(json_reader& in, F member) {
    if (in.next() == json_kind::null)
      in.null();
    else
      in.object(member);
  }
  template <class F>
  static void array(json_reader& in, F element) {
    if (in.next() == json_kind::null)
      in.null();
    else
      in.array(element);
  }
  static std::string_view text(json_reader& in) {
    if (in.next() != json_kind::null)
      return in.string();
    in.null();
    return {};
  }
  /// Digits of a number or of a text.
  static std::string_view digits(json_reader& in) {
    if (in.next() == json_kind::string)
      return in.string();
    if (in.next() != json_kind::null)
      return in.number();
    in.null();
    return "0";
  }
  template <class T>
  static T integer(json_reader& in) {
    T out = 0;
    const auto from = digits(in);
    const auto end = std::from_chars(from.data(), from.data() + from.size(), out);
    if (end.ec != std::errc() || end.ptr != from.data() + from.size())
      in.fail("expected an integer that fits");
    return out;
  }
  static double real(json_reader& in) {
    double out = 0;
    if (parse::parse_float(digits(in), out) != parse::number_error::none)
      in.fail("expected a number");
    return out;
  }
  static bool boolean(json_reader& in) {
    if (in.next() != json_kind::null)
      return in.boolean();
    in.null();
    return false;
  }

  template <class T>
  void add(T value, size_t most, std::string_view why, json_reader& in, std::vector<T>& to) {
    if (to.size() < most)
      return to.push_back(std::move(value));
    too_many_ = {errc::out_of_bounds, std::string(why)};
    in.fail(why);
  }

  void read_resource_metrics() {
    texts owned;
    std::vector<attribute> attributes;
    std::vector<part> scopes;
    object(in_, [&](std::string_view key) {
      if (key == "resource")
        object(in_, [&](std::string_view field) {
          if (field == "attributes")
            read_attributes(in_, attributes, owned);
          else
            in_.skip();
        });
      else if (key == "scopeMetrics" || key == "scope_metrics")
        note_part(in_, scopes);
      else
        in_.skip();
    });
    if (in_.failed() || to_.full())
      return stop();
    to_.begin_resource(attributes);
    for_parts(in_, scopes, [&](json_reader& in) { read_scope_metrics(in); });
    to_.end_resource();
  }

  void stop() {
    if (to_.full())
      in_.fail("");
  }

  static void note_part(json_reader& in, std::vector<part>& to) {
    // The reader may stand before blanks; next() skips them.
    const bool absent = in.next() == json_kind::null;
    const size_t position = in.position();
    const auto text = in.raw();
    if (!absent)
      to.push_back({text, position});
  }

  /// Reads the elements of arrays; their errors become those of `of`.
  template <class F>
  void for_parts(json_reader& of, const std::vector<part>& parts, F element) {
    for (const part& p : parts) {
      if (of.failed())
        return;
      json_reader in(p.text, p.position);
      array(in, [&] {
        element(in);
        if (to_.full())
          in.fail("");
      });
      of.adopt_failure(in);
    }
  }

  void read_scope_metrics(json_reader& in) {
    texts owned;
    scope s;
    std::vector<part> metrics;
    object(in, [&](std::string_view key) {
      if (key == "scope")
        read_scope(in, s, owned);
      else if (key == "schemaUrl" || key == "schema_url")
        s.schema_url = text(in);
      else if (key == "metrics")
        note_part(in, metrics);
      else
        in.skip();
    });
    if (in.failed())
      return;
    to_.begin_scope(s);
    for_parts(in, metrics, [&](json_reader& m) { read_metric(m); });
  }

  void read_scope(json_reader& in, scope& s, texts& owned) {
    object(in, [&](std::string_view key) {
      if (key == "name")
        s.name = text(in);
      else if (key == "version")
        s.version = text(in);
      else if (key == "attributes")
        read_attributes(in, s.attributes, owned);
      else
        in.skip();
    });
  }

  static metric_kind kind_of(std::string_view key) {
    if (key == "gauge")
      return metric_kind::gauge;
    if (key == "sum")
      return metric_kind::sum;
    if (key == "histogram")
      return metric_kind::histogram;
    if (key == "exponentialHistogram" || key == "exponential_histogram")
      return metric_kind::exponential;
    return key == "summary" ? metric_kind::summary : metric_kind::none;
  }

  void read_metric(json_reader& in) {
    metric head;
    std::vector<part> points;
    object(in, [&](std::string_view key) {
      const metric_kind kind = kind_of(key);
      if (key == "name") {
        head.name = text(in);
      } else if (key == "description") {
        head.description = text(in);
      } else if (key == "unit") {
        head.unit = text(in);
      } else if (kind != metric_kind::none && in.next() != json_kind::null) {
        head.kind = kind;
        points.clear();
        read_kind(in, head, points);
      } else {
        in.skip();
      }
    });
    if (in.failed())
      return;
    to_.begin_metric(head);
    for_parts(in, points, [&](json_reader& p) { read_point(p, head.kind); });
  }

  void read_kind(json_reader& in, metric& head, std::vector<part>& points) {
    object(in, [&](std::string_view key) {
      if (key == "dataPoints" || key == "data_points")
        note_part(in, points);
      else if (key == "aggregationTemporality" || key == "aggregation_temporality")
        head.aggregation = read_temporality(in);
      else if (key == "isMonotonic" || key == "is_monotonic")
        head.monotonic = boolean(in);
      else
        in.skip();
    });
  }

  static temporality read_temporality(json_reader& in) {
    if (in.next() != json_kind::string) {
      const auto n = integer<int32_t>(in);
      return n == 1   ? temporality::delta
             : n == 2 ? temporality::cumulative
                      : temporality::unspecified;
    }
    const auto name = in.string();
    if (name == "AGGREGATION_TEMPORALITY_DELTA")
      return temporality::delta;
    if (name == "AGGREGATION_TEMPORALITY_CUMULATIVE")
      return temporality::cumulative;
    if (name != "AGGREGATION_TEMPORALITY_UNSPECIFIED")
      in.fail("unknown aggregation temporality");
    return temporality::unspecified;
  }

  void read_point(json_reader& in, metric_kind kind) {
    data_point p;
    texts_.clear();
    object(in, [&](std::string_view key) {
      if (key == "timeUnixNano" || key == "time_unix_nano")
        p.time_ns = integer<uint64_t>(in);
      else if (key == "startTimeUnixNano" || key == "start_time_unix_nano")
        p.start_ns = integer<uint64_t>(in);
      else if (key == "attributes")
        read_attributes(in, p.attributes, texts_);
      else if (key == "flags")
        p.no_value = (integer<uint32_t>(in) & 1) != 0;
      else if (key == "exemplars" && kind != metric_kind::summary)
        array(in, [&] { read_exemplar(in, p); });
      else if (kind == metric_kind::gauge || kind == metric_kind::sum)
        read_number_member(in, key, p);
      else
        read_distribution_member(in, key, kind, p);
    });
    if (!in.failed())
      to_.add(p);
  }

  static void read_number_member(json_reader& in, std::string_view key, data_point& p) {
    if (key == "asInt" || key == "as_int")
      p.set_integer(integer<int64_t>(in));
    else if (key == "asDouble" || key == "as_double")
      p.value = real(in);
    else
      in.skip();
  }

  void read_distribution_member(json_reader& in, std::string_view key, metric_kind kind,
                                data_point& p) {
    if (key == "count")
      p.count = integer<uint64_t>(in);
    else if (key == "sum" && in.next() != json_kind::null)
      p.sum = real(in);
    else if (kind == metric_kind::histogram)
      read_histogram_member(in, key, p);
    else if (kind == metric_kind::exponential)
      read_exponential_member(in, key, p);
    else if (kind == metric_kind::summary && (key == "quantileValues" || key == "quantile_values"))
      array(in, [&] { read_quantile(in, p); });
    else
      in.skip();
  }

  static constexpr std::string_view many_buckets = "a data point has too many buckets";

  void read_histogram_member(json_reader& in, std::string_view key, data_point& p) {
    if (key == "bucketCounts" || key == "bucket_counts")
      array(in,
            [&] { add(integer<uint64_t>(in), max_buckets, many_buckets, in, p.bucket_counts); });
    else if (key == "explicitBounds" || key == "explicit_bounds")
      array(in, [&] { add(real(in), max_buckets, many_buckets, in, p.bounds); });
    else
      in.skip();
  }

  void read_exponential_member(json_reader& in, std::string_view key, data_point& p) {
    if (key == "scale")
      p.scale = integer<int32_t>(in);
    else if (key == "zeroCount" || key == "zero_count")
      p.zero_count = integer<uint64_t>(in);
    else if (key == "zeroThreshold" || key == "zero_threshold")
      p.zero_threshold = real(in);
    else if (key == "positive")
      read_buckets(in, p.positive);
    else if (key == "negative")
      read_buckets(in, p.negative);
    else
      in.skip();
  }

  void read_buckets(json_reader& in, bucket_range& to) {
    object(in, [&](std::string_view key) {
      if (key == "offset")
        to.offset = integer<int32_t>(in);
      else if (key == "bucketCounts" || key == "bucket_counts")
        array(in, [&] { add(integer<uint64_t>(in), max_buckets, many_buckets, in, to.counts); });
      else
        in.skip();
    });
  }

  void read_quantile(json_reader& in, data_point& p) {
    quantile_value q;
    object(in, [&](std::string_view key) {
      if (key == "quantile")
        q.quantile = real(in);
      else if (key == "value")
        q.value = real(in);
      else
        in.skip();
    });
    add(q, max_buckets, "a data point has too many quantiles", in, p.quantiles);
  }

  void read_exemplar(json_reader& in, data_point& p) {
    point_exemplar e;
    object(in, [&](std::string_view key) {
      if (key == "timeUnixNano" || key == "time_unix_nano")
        e.time_ns = integer<uint64_t>(in);
      else if (key == "asInt" || key == "as_int")
        e.value = static_cast<double>(integer<int64_t>(in));
      else if (key == "asDouble" || key == "as_double")
        e.value = real(in);
      else if (key == "traceId" || key == "trace_id")
        e.trace_id = read_id(in, 16);
      else if (key == "spanId" || key == "span_id")
        e.span_id = read_id(in, 8);
      else if (key == "filteredAttributes" || key == "filtered_attributes")
        read_attributes(in, e.attributes, texts_);
      else
        in.skip();
    });
    add(std::move(e), max_exemplars, "a data point has too many exemplars", in, p.exemplars);
  }

  std::string_view read_id(json_reader& in, size_t size) {
    const auto hex = text(in);
    std::string bytes;
    for (size_t i = 0; i + 1 < hex.size(); i += 2) {
      const int high = hex_digit(hex[i]), low = hex_digit(hex[i + 1]);
      if (high < 0 || low < 0)
        break;
      bytes += static_cast<char>(high << 4 | low);
    }
    if (!hex.empty() && (hex.size() != 2 * size || bytes.size() != size))
      in.fail("an exemplar's trace or span id has a wrong length");
    return bytes.find_first_not_of('\0') == bytes.npos
               ? std::string_view()
               : std::string_view(texts_.emplace_back(std::move(bytes)));
  }

  void read_attributes(json_reader& in, std::vector<attribute>& to, texts& owned) {
    array(in, [&] {
      const auto m = read_member(in, owned, 1);
      const bool is_text = m.value.type == any_value::kind::text;
      add(attribute{m.key, is_text ? m.value.text
                                   : std::string_view(owned.emplace_back(to_text(m.value)))},
          max_attributes, "too many attributes", in, to);
    });
  }

  static any_value::member read_member(json_reader& in, texts& owned, size_t depth) {
    any_value::member out;
    object(in, [&](std::string_view key) {
      if (key == "key")
        out.key = text(in);
      else if (key == "value")
        out.value = read_value(in, owned, depth);
      else
        in.skip();
    });
    return out;
  }

  static any_value read_value(json_reader& in, texts& owned, size_t depth) {
    any_value v;
    using kind = any_value::kind;
    if (depth > max_value_depth)
      in.fail("an attribute's value is nested too deeply");
    object(in, [&](std::string_view key) {
      if (in.next() == json_kind::null) {
        in.null();
      } else if (key == "stringValue" || key == "string_value") {
        v.type = kind::text;
        v.text = in.string();
      } else if (key == "boolValue" || key == "bool_value") {
        v.type = kind::boolean;
        v.boolean = in.boolean();
      } else if (key == "intValue" || key == "int_value") {
        v.type = kind::integer;
        v.integer = integer<int64_t>(in);
      } else if (key == "doubleValue" || key == "double_value") {
        v.type = kind::real;
        v.real = real(in);
      } else if (key == "bytesValue" || key == "bytes_value") {
        v.type = kind::bytes;
        v.text = read_bytes(in, owned);
      } else if (key == "arrayValue" || key == "array_value") {
        v.type = kind::array;
        read_values(in, v.members, [&] {
          return any_value::member{{}, read_value(in, owned, depth + 1)};
        });
      } else if (key == "kvlistValue" || key == "kvlist_value") {
        v.type = kind::map;
        read_values(in, v.members, [&] { return read_member(in, owned, depth + 1); });
      } else {
        in.skip();
      }
    });
    return v;
  }

  template <class F>
  static void read_values(json_reader& in, std::vector<any_value::member>& to, F read_one) {
    to.clear();
    object(in, [&](std::string_view key) {
      if (key == "values")
        array(in, [&] { to.push_back(read_one()); });
      else
        in.skip();
    });
  }

  static std::string_view read_bytes(json_reader& in, texts& owned) {
    auto bytes = http::base64_decode(in.string());
    if (bytes.ok())
      return owned.emplace_back(std::move(*bytes));
    in.fail("a bytesValue is not base64");
    return {};
  }

  json_reader in_;
  metrics_sink& to_;
  texts texts_;  ///< of a data point
  status too_many_;
};

}  // namespace

status read_json(std::string_view request, metrics_sink& to) {
  return request_reader(request, to).read();
}

std::string json_response(uint64_t rejected_points, std::string_view message) {
  std::string out = "{";
  if (!message.empty()) {
    out += "\"partialSuccess\":{\"rejectedDataPoints\":\"" + std::to_string(rejected_points) +
           "\",\"errorMessage\":";
    query::append_json_string(out, message);
    out += "}";
  }
  return out + "}";
}

}  // namespace troupe::otlp
