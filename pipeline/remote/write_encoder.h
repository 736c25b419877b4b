// Remote write 1.0, the sending side: series and samples to the bytes of a prometheus.WriteRequest.
// Compressing and sending them is the caller's. One owner at a time.
#pragma once

#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <span>
#include <string>
#include <string_view>

namespace troupe::remote {

/// The label fields of a TimeSeries message, made once per series.
std::string encode_series_labels(const labels& series);

/// Collects one request after the other in one buffer.
class write_encoder {
 public:
  /// `series_labels` from encode_series_labels(); samples in order of time.
  void add(std::string_view series_labels, std::span<const sample> samples);
  /// A histogram with exponential buckets as a sample.
  void add(std::string_view series_labels, timestamp_ms ts, const histogram& h);
  void add(std::string_view series_labels, const exemplar& e);
  /// Of a metric family; may stand among series.
  void add(std::string_view family, const metadata& m);
  /// The request so far.
  std::string_view request() const { return out_; }
  /// Starts the next request.
  void clear() { out_.clear(); }

 private:
  std::string out_, scratch_;
};

}  // namespace troupe::remote
