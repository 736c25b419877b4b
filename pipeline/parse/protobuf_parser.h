// The protobuf exposition: length-delimited io.prometheus.client.MetricFamily messages, one family
// or metric at a time. All texts are views into the body. One owner. Source:
// prometheus/client_model io/prometheus/client/metrics.proto, read as Prometheus'
// model/textparse/protobufparse.go does.
#pragma once

#include "storage/base/result.h"
#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::parse {

enum class proto_entry : uint8_t { family, metric, end, error };

struct proto_family {
  std::string_view name, help, unit;
  metric_type type = metric_type::unknown;
};

/// A cumulative bucket of a classic histogram.
struct proto_bucket {
  double le = 0;
  double count = 0;
  std::string_view exemplar;  ///< the message; empty: none
};

/// One Metric message, of which only what its family's type asks for is read.
struct proto_metric {
  /// The label fields, if they stand in front as encoders write them; else empty.
  std::string_view label_fields;
  bool has_late_labels = false;  ///< labels behind other fields
  timestamp_ms ts = 0;           ///< 0: none
  timestamp_ms start = no_start_timestamp;
  double value = 0;  ///< counter, gauge, untyped
  /// Summary and classic histogram.
  double count = 0;
  double sum = 0;
  std::vector<std::pair<double, double>> quantiles;
  std::vector<proto_bucket> buckets;
  /// A native histogram beside the classic one; `native` may be invalid (validate()).
  bool is_native = false;
  histogram native;
  std::vector<std::string_view> exemplars;  ///< messages, of a counter or a native histogram
};

class protobuf_parser {
 public:
  explicit protobuf_parser(std::string_view body) : rest_(body) {}

  /// Families without metrics are passed over. After `error` or `end` it must not be called again.
  proto_entry next();
  /// After proto_entry::family, and for its metrics.
  const proto_family& family() const { return family_; }
  /// After proto_entry::metric.
  const proto_metric& metric() const { return metric_; }
  /// The labels of the metric, `name` as its name, and the label `extra` unless its name is empty.
  /// invalid_argument for a repeated or invalid label name and invalid UTF-8.
  status read_labels(std::string_view name, label_view extra, labels_builder& out,
                     std::vector<std::string>* empty_names) const;
  /// After proto_entry::error.
  const std::string& error() const { return error_; }

 private:
  proto_entry read_next();
  proto_entry read_family(std::string_view message);
  void read_metric(std::string_view message);
  void read_value(std::string_view message);
  void read_counter(std::string_view message);
  void read_summary(std::string_view message);
  void read_histogram(std::string_view message);
  proto_entry fail(std::string why);

  std::string_view rest_;     ///< families to come
  std::string_view metrics_;  ///< fields of the family in hand, metrics to come
  std::string_view fields_;   ///< of the metric in hand
  proto_family family_;
  bool is_gauge_histogram_ = false;
  proto_metric metric_;
  std::vector<double> positive_counts_, negative_counts_;  ///< of the float kind
  std::string error_;
};

/// An exemplar message; false if it is malformed. `has_time`: it carries a time.
bool read_proto_exemplar(std::string_view message, exemplar& out, bool& has_time);

}  // namespace troupe::parse
