#include "pipeline/parse/protobuf_parser.h"

#include "pipeline/parse/exposition.h"
#include "pipeline/remote/bucket_fields.h"
#include "pipeline/remote/field_scan.h"
#include "pipeline/remote/message_codec.h"
#include "pipeline/remote/protobuf.h"
#include "storage/base/quote.h"

namespace troupe::parse {
namespace {

using protozero::pbf_reader;
using remote::view;

constexpr size_t max_buckets = remote::write_limits{}.max_buckets;
constexpr size_t max_shown = 200;

enum family_field : uint32_t {
  family_name = 1,
  family_help,
  family_type,
  family_metric,
  family_unit
};
enum metric_field : uint32_t {
  metric_label = 1,
  metric_gauge,
  metric_counter,
  metric_summary,
  metric_untyped,
  metric_timestamp,
  metric_histogram
};

// By their numbers.
constexpr metric_type types[] = {metric_type::counter,   metric_type::gauge,
                                 metric_type::summary,   metric_type::unknown,
                                 metric_type::histogram, metric_type::gaugehistogram};

// The field of Metric that a family of this type has its values in.
uint32_t value_field(metric_type type) {
  switch (type) {
    case metric_type::counter:
      return metric_counter;
    case metric_type::gauge:
      return metric_gauge;
    case metric_type::summary:
      return metric_summary;
    case metric_type::histogram:
    case metric_type::gaugehistogram:
      return metric_histogram;
    default:
      return metric_untyped;
  }
}

pbf_reader reader_of(std::string_view message) {
  return {message.data(), message.size()};
}

// google.protobuf.Timestamp in milliseconds.
timestamp_ms read_time(pbf_reader m) {
  uint64_t seconds = 0;
  int32_t nanos = 0;
  while (m.next()) {
    if (m.tag() == 1)
      seconds = static_cast<uint64_t>(m.get_int64());
    else if (m.tag() == 2)
      nanos = m.get_int32();
    else
      m.skip();
  }
  return static_cast<timestamp_ms>(seconds * 1000) + nanos / 1'000'000;
}

std::pair<double, double> read_quantile(pbf_reader m) {
  std::pair<double, double> out{0, 0};
  while (m.next()) {
    if (m.tag() == 1)
      out.first = m.get_double();
    else if (m.tag() == 2)
      out.second = m.get_double();
    else
      m.skip();
  }
  return out;
}

proto_bucket read_bucket(pbf_reader m) {
  proto_bucket out;
  double integer = 0;
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        integer = static_cast<double>(m.get_uint64());
        break;
      case 2:
        out.le = m.get_double();
        break;
      case 3:
        out.exemplar = view(m.get_view());
        break;
      case 4:
        out.count = m.get_double();
        break;
      default:
        m.skip();
    }
  }
  if (out.count == 0)
    out.count = integer;
  return out;
}

// A counter's unit stands in front of its _total.
bool unit_fits(const proto_family& f) {
  auto name = f.name;
  if (f.type == metric_type::counter && name.ends_with("_total"))
    name.remove_suffix(std::string_view("_total").size());
  return f.unit.empty() || (name.size() > f.unit.size() && name.ends_with(f.unit) &&
                            name[name.size() - f.unit.size() - 1] == '_');
}

}  // namespace

proto_entry protobuf_parser::fail(std::string why) {
  error_ = std::move(why);
  return proto_entry::error;
}

proto_entry protobuf_parser::next() {
  try {
    return read_next();
  } catch (const protozero::exception& e) {
    return fail(std::string("proto: ") + e.what());
  }
}

proto_entry protobuf_parser::read_next() {
  auto family = reader_of(metrics_);
  while (family.next()) {
    if (family.tag() != family_metric) {
      family.skip();
      continue;
    }
    const auto message = view(family.get_view());
    metrics_ = view(family.data());
    read_metric(message);
    return proto_entry::metric;
  }
  while (!rest_.empty()) {
    const char* const end = rest_.data() + rest_.size();
    uint64_t size = 0;
    const char* p = remote::read_varint(rest_.data(), end, size);
    if (p == nullptr || size > static_cast<uint64_t>(end - p))
      return fail("proto: the body ends within a metric family");
    rest_ = {p + size, static_cast<size_t>(end - p) - size};
    metrics_ = {};
    if (const auto got = read_family({p, size}); got != proto_entry::end)
      return got;
  }
  return proto_entry::end;
}

// `end` if it has no metrics.
proto_entry protobuf_parser::read_family(std::string_view message) {
  family_ = {};
  int32_t type = 0;
  bool has_metrics = false;
  auto m = reader_of(message);
  while (m.next()) {
    switch (m.tag()) {
      case family_name:
        family_.name = view(m.get_view());
        break;
      case family_help:
        family_.help = view(m.get_view());
        break;
      case family_type:
        type = m.get_enum();
        break;
      case family_unit:
        family_.unit = view(m.get_view());
        break;
      case family_metric:
        has_metrics = true;
        m.skip();
        break;
      default:
        m.skip();
    }
  }
  if (!has_metrics)
    return proto_entry::end;
  const auto shown = quoted(family_.name.substr(0, max_shown));
  if (family_.name.empty() || !is_valid_utf8(family_.name))
    return fail("invalid metric name: " + shown);
  if (!is_valid_utf8(family_.help))
    return fail("invalid help for metric " + shown);
  if (type < 0 || type >= static_cast<int32_t>(std::size(types)))
    return fail("unknown metric type for metric " + shown + ": " + std::to_string(type));
  family_.type = types[type];
  if (!unit_fits(family_))
    return fail("unit " + quoted(family_.unit.substr(0, max_shown)) + " not a suffix of metric " +
                shown);
  is_gauge_histogram_ = family_.type == metric_type::gaugehistogram;
  metrics_ = message;
  return proto_entry::family;
}

void protobuf_parser::read_metric(std::string_view message) {
  fields_ = message;
  auto& out = metric_;
  const auto front = remote::all_key_bytes(message);
  out.label_fields = message.substr(0, front);
  out.has_late_labels = false;
  out.ts = 0;
  out.start = no_start_timestamp;
  out.value = out.count = out.sum = 0;
  out.quantiles.clear();
  out.buckets.clear();
  out.exemplars.clear();
  out.is_native = false;
  const uint32_t wanted = value_field(family_.type);
  auto m = reader_of(message.substr(front));
  while (m.next()) {
    if (m.tag() == wanted) {
      read_value(view(m.get_view()));
    } else if (m.tag() == metric_timestamp) {
      out.ts = m.get_int64();
    } else {
      out.has_late_labels = out.has_late_labels || m.tag() == metric_label;
      m.skip();
    }
  }
}

void protobuf_parser::read_value(std::string_view message) {
  switch (family_.type) {
    case metric_type::counter:
      return read_counter(message);
    case metric_type::summary:
      return read_summary(message);
    case metric_type::histogram:
    case metric_type::gaugehistogram:
      return read_histogram(message);
    default:
      break;
  }
  auto m = reader_of(message);
  while (m.next()) {
    if (m.tag() == 1)
      metric_.value = m.get_double();
    else
      m.skip();
  }
}

void protobuf_parser::read_counter(std::string_view message) {
  auto m = reader_of(message);
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        metric_.value = m.get_double();
        break;
      case 2:
        metric_.exemplars.assign(1, view(m.get_view()));
        break;
      case 3:
        metric_.start = read_time(m.get_message());
        break;
      default:
        m.skip();
    }
  }
}

void protobuf_parser::read_summary(std::string_view message) {
  auto m = reader_of(message);
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        metric_.count = static_cast<double>(m.get_uint64());
        break;
      case 2:
        metric_.sum = m.get_double();
        break;
      case 3:
        metric_.quantiles.push_back(read_quantile(m.get_message()));
        break;
      case 4:
        metric_.start = read_time(m.get_message());
        break;
      default:
        m.skip();
    }
  }
}

void protobuf_parser::read_histogram(std::string_view message) {
  auto& h = metric_.native;
  h = {};
  positive_counts_.clear();
  negative_counts_.clear();
  double count = 0, float_count = 0, zeros = 0, float_zeros = 0;
  remote::delta_reader positive, negative;
  auto m = reader_of(message);
  while (m.next()) {
    switch (m.tag()) {
      case 1:
        count = static_cast<double>(m.get_uint64());
        break;
      case 2:
        h.sum = m.get_double();
        break;
      case 3:
        metric_.buckets.push_back(read_bucket(m.get_message()));
        break;
      case 4:
        float_count = m.get_double();
        break;
      case 5:
        h.schema = m.get_sint32();
        break;
      case 6:
        h.zero_threshold = m.get_double();
        break;
      case 7:
        zeros = static_cast<double>(m.get_uint64());
        break;
      case 8:
        float_zeros = m.get_double();
        break;
      case 9:
        remote::read_span(m, max_buckets, h.negative_spans);
        break;
      case 10:
        negative.read(m, max_buckets, h.negative_buckets);
        break;
      case 11:
        remote::read_doubles(m, max_buckets, negative_counts_);
        break;
      case 12:
        remote::read_span(m, max_buckets, h.positive_spans);
        break;
      case 13:
        positive.read(m, max_buckets, h.positive_buckets);
        break;
      case 14:
        remote::read_doubles(m, max_buckets, positive_counts_);
        break;
      case 15:
        metric_.start = read_time(m.get_message());
        break;
      case 16:
        metric_.exemplars.push_back(view(m.get_view()));
        break;
      default:
        m.skip();
    }
  }
  metric_.is_native =
      !h.positive_spans.empty() || !h.negative_spans.empty() || h.zero_threshold > 0 || zeros > 0;
  metric_.count = float_count == 0 ? count : float_count;
  metric_.sum = h.sum;
  h.is_float = float_count > 0 || float_zeros > 0;
  h.count = h.is_float ? float_count : count;
  h.zero_count = h.is_float ? float_zeros : zeros;
  if (h.is_float) {
    h.positive_buckets = positive_counts_;
    h.negative_buckets = negative_counts_;
  }
  if (is_gauge_histogram_)
    h.hint = counter_reset_hint::gauge;
}

status protobuf_parser::read_labels(std::string_view name, label_view extra, labels_builder& out,
                                    std::vector<std::string>* empty_names) const {
  std::vector<label_view> found;
  try {
    remote::read_labels(fields_, max_labels, found);
  } catch (const protozero::exception& e) {
    return {errc::invalid_argument, std::string("proto: ") + e.what()};
  }
  if (found.size() > max_labels)
    return {errc::invalid_argument, "more than " + std::to_string(max_labels) + " labels"};
  std::vector<std::pair<std::string, std::string>> pairs;
  pairs.reserve(found.size() + 2);
  pairs.emplace_back(metric_name_label, name);
  for (const auto& l : found) {
    if (l.name.empty() || !is_valid_utf8(l.name))
      return {errc::invalid_argument, "invalid label name: " + quoted(l.name.substr(0, max_shown))};
    if (!is_valid_utf8(l.value))
      return {errc::invalid_argument,
              "invalid label value: " + quoted(l.value.substr(0, max_shown))};
    pairs.emplace_back(l.name, l.value);
  }
  if (!extra.name.empty())
    pairs.emplace_back(extra.name, extra.value);
  return take_labels(std::move(pairs), out, empty_names);
}

bool read_proto_exemplar(std::string_view message, exemplar& out, bool& has_time) {
  try {
    std::vector<label_view> found;
    remote::read_labels(message, max_labels, found);
    for (const auto& l : found)
      if (!is_valid_utf8(l.name) || !is_valid_utf8(l.value))
        return false;
    out.lset = labels::from_views(std::move(found));
    has_time = false;
    auto m = reader_of(message);
    while (m.next()) {
      if (m.tag() == 2) {
        out.value = m.get_double();
      } else if (m.tag() == 3) {
        out.ts = read_time(m.get_message());
        has_time = true;
      } else {
        m.skip();
      }
    }
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

}  // namespace troupe::parse
