// Metrics of OpenTelemetry as series, by the rules of Prometheus' prometheusremotewrite: names,
// labels of resources and scopes, target_info, histograms of both kinds. One owner, one request.
#pragma once

#include "pipeline/otlp/metrics.h"
#include "pipeline/otlp/settings.h"
#include "pipeline/remote/series_collector.h"
#include "storage/model/labels.h"

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace troupe::otlp {

class translator : public metrics_sink {
 public:
  translator(const settings& s, remote::series_cache& known, const remote::write_limits& limits,
             size_t request_bytes)
      : settings_(s), out_(known, limits, request_bytes) {}

  void begin_resource(std::span<const attribute> attributes) override;
  void begin_scope(const scope& s) override;
  void begin_metric(const metric& m) override;
  void add(const data_point& p) override;
  void end_resource() override;
  bool full() const override { return out_.full(); }
  /// A data point of the metric is left out.
  void refuse(std::string_view why) { out_.refuse_sample(why); }

  result<remote::decoded_write> done() { return out_.done(); }

 private:
  /// Of equal names the one of the least rank counts.
  struct ranked_label {
    std::string_view name, value;
    int rank = 0;
  };
  using ranked_labels = std::vector<ranked_label>;
  using texts = std::deque<std::string>;

  result<std::string_view> label_name_of(std::string_view attribute);
  status add_owned(std::span<const attribute> from, std::string_view prefix, int rank, texts& names,
                   ranked_labels& to);
  template <class Ignored>
  status add_attributes(std::span<const attribute> from, Ignored ignored);
  void join_equal_names();
  void add_job_and_instance();
  void merge_labels();
  status make_labels(const data_point& p);

  /// A series of the labels made, under the metric's name with a suffix, maybe with a label more.
  void begin_series(std::string_view suffix, label_view extra = {});
  void add_float(std::string_view suffix, double value, const data_point& p, label_view extra = {});
  void add_number(const data_point& p);
  void add_classic(const data_point& p);
  void add_native(const data_point& p, histogram_ptr h);
  void add_summary(const data_point& p);
  void add_exemplar(const point_exemplar& e);
  void add_exemplars(const data_point& p);
  void add_target_info();
  void describe();

  const settings& settings_;
  remote::series_collector out_;
  std::unordered_map<std::string, std::string> label_names_;  ///< by attribute

  // Of the resource.
  std::span<const attribute> resource_;
  std::string job_, instance_;
  texts resource_texts_;
  ranked_labels promoted_;
  std::string resource_refusal_;
  uint64_t earliest_ns_ = 0, latest_ns_ = 0;
  // Of the scope.
  texts scope_texts_;
  ranked_labels scope_labels_;
  std::string scope_refusal_;
  // Of the metric.
  metric metric_;
  std::string name_, metric_refusal_;
  bool described_ = false;
  // Of the data point; scratch.
  std::vector<attribute> attributes_;
  ranked_labels labels_;
  texts texts_;
  std::vector<label_view> series_labels_;
  std::string series_name_;
};

/// The request in protobuf or in JSON. invalid_argument if it is malformed, out_of_bounds if it
/// holds more than its size justifies. Data points of metrics or with labels that are not valid
/// count as refused series, of a sample each.
result<remote::decoded_write> decode_protobuf(std::string_view request, const settings& s,
                                              remote::series_cache& known,
                                              const remote::write_limits& limits = {});
result<remote::decoded_write> decode_json(std::string_view request, const settings& s,
                                          remote::series_cache& known,
                                          const remote::write_limits& limits = {});

}  // namespace troupe::otlp
