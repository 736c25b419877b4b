// Encodes remote write requests (protobuf, snappy) for tests, with a writer of its own.
#pragma once

#include "storage/model/histogram.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <string>
#include <utility>
#include <vector>

namespace troupe::support {

struct write_series {
  labels lset;
  std::vector<sample> samples;
};

/// The uncompressed prometheus.WriteRequest.
std::string write_request(const std::vector<write_series>& series);
/// The same, compressed with snappy's block format: a request body.
std::string remote_write_body(const std::vector<write_series>& series);

struct write_v2_sample {
  timestamp_ms ts = 0;
  double value = 0;
  timestamp_ms start = 0;
};
struct write_v2_histogram {
  timestamp_ms ts = 0;
  histogram value;
  timestamp_ms start = 0;
};
struct write_v2_series {
  /// In the order they are sent, whatever they are.
  std::vector<std::pair<std::string, std::string>> lset;
  std::vector<write_v2_sample> samples;
  std::vector<write_v2_histogram> histograms;
  std::vector<exemplar> exemplars;
  metadata described;
  timestamp_ms created = 0;  ///< of the series, as senders before 2.0-rc.4 have it
};

/// The fields of both versions' Histogram message.
std::string histogram_message(timestamp_ms ts, const histogram& h, timestamp_ms start = 0);
/// The uncompressed io.prometheus.write.v2.Request, without fields that are 0.
std::string write_v2_request(const std::vector<write_v2_series>& series);
std::string snappy_block(const std::string& raw);

}  // namespace troupe::support
