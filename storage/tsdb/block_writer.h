// Writes one of Prometheus' blocks: series stream through into <ulid>.tmp-for-creation, which
// Prometheus removes at its start; every file is synced, the directory renamed and its parent
// synced. Pure function.
#pragma once

#include "storage/base/file_system.h"
#include "storage/querier.h"
#include "storage/tsdb/meta.h"

#include <functional>
#include <memory>
#include <string>

namespace troupe::storage::tsdb {

struct block_spec {
  std::string ulid;
  timestamp_ms begin = 0;
  timestamp_ms end = 0;  ///< half open
};

/// Writes the samples of the block's time. `open` is called twice: for the names and values of the
/// series, which an index begins with, and for the samples. Series without samples are left out; if
/// none is left, nothing is written and the answer's `samples` is 0. Start timestamps are left out,
/// for which the format has no place. `on_series(samples so far)` may be empty.
result<meta> write_block(file_system& fs, const std::string& dir, const block_spec& spec,
                         const std::function<result<std::unique_ptr<series_set>>()>& open,
                         const std::function<void(uint64_t)>& on_series = {});

}  // namespace troupe::storage::tsdb
