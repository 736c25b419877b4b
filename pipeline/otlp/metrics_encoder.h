// OTLP, the sending side: series and samples to the bytes of an ExportMetricsServiceRequest.
// Compressing and sending them is the caller's. One owner at a time.
#pragma once

#include "pipeline/otlp/metrics.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace troupe::otlp {

/// Collects one request after the other. Series of one resource, and of one metric in it, that are
/// added in a row share its message.
class metrics_encoder {
 public:
  /// A series as this encoder knows it, made once.
  struct series {
    metric_kind kind = metric_kind::gauge;
    std::string resource;    ///< the Resource message
    std::string name;        ///< of the metric
    std::string attributes;  ///< those fields of a data point
    std::string description;
  };
  /// `start` is when all that counts began.
  explicit metrics_encoder(timestamp_ms start) : start_(start) {}

  /// `job` and `instance` become the resource's service.name and service.instance.id, the other
  /// labels attributes. A kind is gauge, sum (cumulative, monotonic) or exponential.
  static series prepare(const labels& of, metric_kind kind, std::string_view description);

  void add(const series& s, std::span<const sample> samples);
  /// An integer histogram with exponential buckets; the kind must be exponential.
  void add(const series& s, timestamp_ms ts, const histogram& h);
  /// The request so far; nothing may be added to it any more. Valid until clear().
  std::string_view request();
  /// Starts the next request.
  void clear();

 private:
  void enter(const series& s);
  void end_metric();
  void end_resource();

  const timestamp_ms start_;
  // What is under way: the resource with its metrics so far, the metric with its points so far.
  std::string resource_, metrics_;
  std::string name_, description_, points_;
  metric_kind kind_ = metric_kind::none;
  std::string point_, out_;
};

/// What an ExportMetricsServiceResponse tells of data points that were not taken.
struct rejection {
  uint64_t points = 0;
  std::string message;
};
/// invalid_argument if it is malformed.
result<rejection> read_protobuf_response(std::string_view response);

}  // namespace troupe::otlp
