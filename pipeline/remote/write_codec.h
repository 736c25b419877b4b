// Remote write 1.0 (prometheus.WriteRequest): protobuf bytes → write batches, one per page of known
// series. The caller bounds the input. Source: https
// prometheus.io/docs/specs/prw/remote_write_spec/
#pragma once

#include "pipeline/remote/message_codec.h"
#include "pipeline/remote/series_cache.h"
#include "storage/base/result.h"
#include "storage/model/batch.h"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::remote {

struct decoded_write {
  std::vector<batch_ptr> batches;  ///< each of one shard; none if nothing is valid
  uint64_t refused_series = 0;     ///< labels that are not valid
  std::string first_refusal;
};

/// invalid_argument if the bytes are not a WriteRequest. Series with invalid labels (no or repeated
/// names, empty name, invalid UTF-8, no metric name) are left out and counted.
result<decoded_write> decode_write(std::string_view protobuf, series_cache& known,
                                   const write_limits& limits = {});

}  // namespace troupe::remote
