// Remote write 1.0 (prometheus.WriteRequest): protobuf bytes → write batch. Pure; the caller bounds the input.
// Source: https prometheus.io/docs/specs/prw/remote_write_spec/
#pragma once

#include <string>
#include <string_view>

#include "storage/base/result.h"
#include "storage/model/batch.h"

namespace troupe::remote {

struct decoded_write {
  batch_ptr batch;              ///< the valid series; null if there is none
  uint64_t refused_series = 0;  ///< labels that are not valid
  std::string first_refusal;
};

struct write_limits {
  size_t max_labels = 1024;            ///< per series
  size_t max_label_bytes = 64u << 10;  ///< a name or a value
};

/// invalid_argument if the bytes are not a WriteRequest. Series with invalid labels (no or repeated names, empty name,
/// invalid UTF-8, no metric name) are left out and counted.
result<decoded_write> decode_write(std::string_view protobuf, const write_limits& limits = {});

}  // namespace troupe::remote
