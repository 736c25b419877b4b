// A data folder of Prometheus, or one block: what there is to import. Plain functions.
#pragma once

#include "storage/base/file_system.h"
#include "storage/tsdb/block_reader.h"

#include <memory>
#include <string>
#include <vector>

namespace troupe::storage::tsdb {

struct folder {
  std::vector<std::shared_ptr<const block_reader>> blocks;  ///< by name
  /// Bytes of the log and of the head's chunks: samples that are in no block yet and not read.
  uint64_t head_bytes = 0;
};

/// `dir` is a block itself, or has blocks. not_found if it has none; what block_reader::open says
/// of any of them.
result<folder> open_folder(file_system& fs, const std::string& dir);

}  // namespace troupe::storage::tsdb
