// OpenTelemetry metrics as a request has them (opentelemetry/proto/metrics/v1/metrics.proto), given
// one data point at a time to a sink. Views are of the request, or live until the call returns.
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::otlp {

struct attribute {
  std::string_view key;
  std::string_view value;  ///< as text
};

struct scope {
  std::string_view name, version, schema_url;
  std::vector<attribute> attributes;
};

enum class metric_kind : uint8_t { none, gauge, sum, histogram, exponential, summary };
enum class temporality : uint8_t { unspecified, delta, cumulative };

struct metric {
  std::string_view name, description, unit;
  metric_kind kind = metric_kind::none;
  temporality aggregation = temporality::unspecified;
  bool monotonic = false;
};

struct point_exemplar {
  uint64_t time_ns = 0;
  std::optional<double> value;
  std::string_view trace_id, span_id;  ///< bytes; empty if there is none
  std::vector<attribute> attributes;
};

/// Of an exponential histogram: bucket i is that of `offset` + i.
struct bucket_range {
  int32_t offset = 0;
  std::vector<uint64_t> counts;
};
struct quantile_value {
  double quantile = 0;
  double value = 0;
};

/// Of any kind: each has some of the fields.
struct data_point {
  uint64_t time_ns = 0, start_ns = 0;
  bool no_value = false;  ///< the series has ended
  std::vector<attribute> attributes;
  std::vector<point_exemplar> exemplars;
  double value = 0;                ///< of gauge and sum
  std::optional<int64_t> integer;  ///< the same, if it came as one
  uint64_t count = 0;
  std::optional<double> sum;
  std::vector<uint64_t> bucket_counts;  ///< of a histogram
  std::vector<double> bounds;
  int32_t scale = 0;  ///< of an exponential histogram
  uint64_t zero_count = 0;
  double zero_threshold = 0;
  bucket_range positive, negative;
  std::vector<quantile_value> quantiles;  ///< of a summary

  void set_integer(int64_t n) {
    integer = n;
    value = static_cast<double>(n);
  }
};

/// Takes what a request holds in the order of its nesting.
class metrics_sink {
 public:
  virtual ~metrics_sink() = default;
  virtual void begin_resource(std::span<const attribute> attributes) = 0;
  virtual void begin_scope(const scope& s) = 0;
  virtual void begin_metric(const metric& m) = 0;
  virtual void add(const data_point& p) = 0;
  virtual void end_resource() = 0;
  /// Whether reading should end.
  virtual bool full() const = 0;
};

/// Above one of these a request is out_of_bounds.
inline constexpr size_t max_attributes = 16u << 10;  ///< of a resource, scope, point or exemplar
inline constexpr size_t max_exemplars = 16u << 10;   ///< of a point
inline constexpr size_t max_buckets = 64u << 10;     ///< of a point, its quantiles, a side of it
/// Values in values; beyond, the request is malformed.
inline constexpr size_t max_value_depth = 32;

/// An ExportMetricsServiceRequest. invalid_argument if it is malformed.
status read_protobuf(std::string_view request, metrics_sink& to);
status read_json(std::string_view request, metrics_sink& to);

/// The ExportMetricsServiceResponse that tells what was rejected; of nothing if `message` is empty.
std::string protobuf_response(uint64_t rejected_points, std::string_view message);
std::string json_response(uint64_t rejected_points, std::string_view message);

}  // namespace troupe::otlp
