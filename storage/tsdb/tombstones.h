// The file tombstones of Prometheus' blocks (tsdb/docs/format/tombstones.md). Pure functions.
#pragma once

#include "storage/base/result.h"
#include "storage/chunk/columns.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace troupe::storage::tsdb {

/// Deleted time by the series' number in the index.
using tombstones = std::map<uint64_t, time_intervals>;

std::string encode_tombstones(const tombstones& stones);
/// corruption if it does not hold, unsupported for another version; both name `file` and the place.
result<tombstones> decode_tombstones(std::string_view bytes, const std::string& file);

}  // namespace troupe::storage::tsdb
