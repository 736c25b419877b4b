// The file meta.json of Prometheus' blocks: what a block is. Plain value.
#pragma once

#include "storage/base/result.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::storage::tsdb {

struct meta {
  std::string ulid;
  timestamp_ms min_time = 0;
  timestamp_ms max_time = 0;  ///< half open
  uint64_t samples = 0;       ///< floats and histograms
  uint64_t floats = 0;
  uint64_t histograms = 0;
  uint64_t series = 0;
  uint64_t chunks = 0;
  uint64_t tombstones = 0;
};

std::string encode_meta(const meta& m);
/// corruption with the place if it is not such a text, unsupported for another version.
result<meta> decode_meta(std::string_view text);

}  // namespace troupe::storage::tsdb
