// Field numbers are those of opentelemetry/proto/{metrics,common,resource}/v1.
#include "pipeline/otlp/metrics_encoder.h"

#include "pipeline/remote/protobuf.h"
#include "storage/base/check.h"

namespace troupe::otlp {
namespace {

using protozero::pbf_writer;

constexpr int32_t cumulative = 2;

uint64_t nanoseconds(timestamp_ms ts) {
  return static_cast<uint64_t>(ts) * 1'000'000;
}

void put_attribute(std::string& out, uint32_t field, std::string_view key, std::string_view value) {
  pbf_writer to(out);
  pbf_writer pair(to, field);
  pair.add_string(1, key.data(), key.size());
  pbf_writer text(pair, 2);
  text.add_string(1, value.data(), value.size());
}

/// Attributes of a data point are another field in each kind of point.
uint32_t attributes_field(metric_kind kind) {
  return kind == metric_kind::exponential ? 1 : 7;
}
/// The field of a metric that has its data.
uint32_t data_field(metric_kind kind) {
  return kind == metric_kind::gauge ? 5 : kind == metric_kind::sum ? 7 : 10;
}

/// Spans with gaps between them to one range of buckets. Bucket i of Prometheus ends where bucket
/// i - 1 of OpenTelemetry does.
void put_buckets(pbf_writer& point, uint32_t field, const std::vector<histogram_span>& spans,
                 const std::vector<double>& buckets) {
  if (spans.empty())
    return;
  std::vector<uint64_t> counts;
  size_t at = 0;
  for (const auto& s : spans) {
    if (at > 0)
      counts.resize(counts.size() + static_cast<size_t>(s.offset), 0);
    for (uint32_t i = 0; i < s.length; ++i)
      counts.push_back(static_cast<uint64_t>(buckets[at++]));
  }
  pbf_writer range(point, field);
  range.add_sint32(1, spans.front().offset - 1);
  range.add_packed_uint64(2, counts.begin(), counts.end());
}

}  // namespace

metrics_encoder::series metrics_encoder::prepare(const labels& of, metric_kind kind,
                                                 std::string_view description) {
  TROUPE_CHECK(kind == metric_kind::gauge || kind == metric_kind::sum ||
               kind == metric_kind::exponential);
  series out;
  out.kind = kind;
  out.description = description;
  for (const auto& l : of) {
    if (l.name == metric_name_label)
      out.name = l.value;
    else if (l.name == "job")
      put_attribute(out.resource, 1, "service.name", l.value);
    else if (l.name == "instance")
      put_attribute(out.resource, 1, "service.instance.id", l.value);
    else
      put_attribute(out.attributes, attributes_field(kind), l.name, l.value);
  }
  return out;
}

void metrics_encoder::enter(const series& s) {
  const bool other_resource = s.resource != resource_;
  if (other_resource || s.name != name_ || s.kind != kind_) {
    end_metric();
    if (other_resource) {
      end_resource();
      resource_ = s.resource;
    }
    name_ = s.name;
    kind_ = s.kind;
    description_ = s.description;
  }
}

void metrics_encoder::end_metric() {
  if (points_.empty())
    return;
  pbf_writer to(metrics_);
  pbf_writer metric(to, 2);
  metric.add_string(1, name_);
  if (!description_.empty())
    metric.add_string(2, description_);
  if (kind_ != metric_kind::gauge) {
    pbf_writer data(points_);
    data.add_enum(2, cumulative);
    if (kind_ == metric_kind::sum)
      data.add_bool(3, true);
  }
  metric.add_message(data_field(kind_), points_);
  points_.clear();
}

void metrics_encoder::end_resource() {
  if (metrics_.empty())
    return;
  pbf_writer to(out_);
  pbf_writer all(to, 1);
  all.add_message(1, resource_);
  all.add_message(2, metrics_);
  metrics_.clear();
}

void metrics_encoder::add(const series& s, std::span<const sample> samples) {
  TROUPE_CHECK(s.kind != metric_kind::exponential);
  enter(s);
  for (const auto& one : samples) {
    point_.clear();
    pbf_writer point(point_);
    if (s.kind == metric_kind::sum)
      point.add_fixed64(2, nanoseconds(start_));
    point.add_fixed64(3, nanoseconds(one.ts));
    point.add_double(4, one.value);
    point_ += s.attributes;
    pbf_writer(points_).add_message(1, point_);
  }
}

void metrics_encoder::add(const series& s, timestamp_ms ts, const histogram& h) {
  TROUPE_CHECK(s.kind == metric_kind::exponential && h.schema != histogram::custom_schema &&
               !h.is_float);
  enter(s);
  point_ = s.attributes;
  {
    pbf_writer point(point_);
    point.add_fixed64(2, nanoseconds(start_));
    point.add_fixed64(3, nanoseconds(ts));
    point.add_fixed64(4, static_cast<uint64_t>(h.count));
    point.add_double(5, h.sum);
    point.add_sint32(6, h.schema);
    point.add_fixed64(7, static_cast<uint64_t>(h.zero_count));
    put_buckets(point, 8, h.positive_spans, h.positive_buckets);
    put_buckets(point, 9, h.negative_spans, h.negative_buckets);
    point.add_double(14, h.zero_threshold);
  }
  pbf_writer(points_).add_message(1, point_);
}

std::string_view metrics_encoder::request() {
  end_metric();
  end_resource();
  return out_;
}

void metrics_encoder::clear() {
  points_.clear();
  metrics_.clear();
  out_.clear();
}

result<rejection> read_protobuf_response(std::string_view response) {
  rejection out;
  try {
    protozero::pbf_reader m(response.data(), response.size());
    while (m.next(1)) {
      protozero::pbf_reader partial = m.get_message();
      while (partial.next()) {
        if (partial.tag() == 1)
          out.points = static_cast<uint64_t>(partial.get_int64());
        else if (partial.tag() == 2)
          out.message = remote::view(partial.get_view());
        else
          partial.skip();
      }
    }
  } catch (const protozero::exception& e) {
    return {errc::invalid_argument, std::string("malformed OTLP response: ") + e.what()};
  }
  return out;
}

}  // namespace troupe::otlp
