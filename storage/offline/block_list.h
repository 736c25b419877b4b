// The blocks of a data folder as they lie on disk, opened without changing anything: no lock is
// needed, a running node may own the folder. Plain function.
#pragma once

#include "storage/base/damage.h"
#include "storage/block/block_reader.h"

#include <memory>
#include <string>
#include <vector>

namespace troupe::storage {

struct block_list {
  std::vector<std::shared_ptr<block_reader>> blocks;  ///< by (min_time, id), replaced ones left out
  std::vector<damaged_place> refused;                 ///< folders that do not open as blocks
};

/// Of <dir>/blocks. A block that is removed meanwhile is left out. Fails only if the folder cannot
/// be listed; a missing one has no blocks.
result<block_list> list_blocks(file_system& fs, const std::string& dir);

}  // namespace troupe::storage
