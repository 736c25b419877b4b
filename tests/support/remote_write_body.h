// Encodes remote write 1.0 requests (snappy'ed protobuf) for tests.
#pragma once

#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <string>
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

}  // namespace troupe::support
