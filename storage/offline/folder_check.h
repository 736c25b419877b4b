// Looks for damage in every file of a data folder that no node uses: blocks, the log's frames, the
// head's files. Reads only. Pure function.
#pragma once

#include "storage/base/damage.h"
#include "storage/base/file_system.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe::storage {

struct check_report {
  static constexpr size_t max_places = 1000;
  uint64_t blocks = 0, block_bytes = 0;
  uint64_t log_files = 0, log_frames = 0, log_bytes = 0;
  uint64_t torn_tails = 0;  ///< logs that end inside a frame: it was never acknowledged, no damage
  uint64_t head_files = 0, head_bytes = 0;
  uint64_t quarantined = 0;  ///< items set aside earlier: no damage of now
  uint64_t damages = 0;
  std::vector<damaged_place> places;  ///< of these, the first max_places

  void add(damaged_place place);
};

/// Fails if `dir` is no data folder, if a running node holds it, or if a folder cannot be listed.
/// `on_progress(bytes, of bytes)` may be empty.
result<check_report> check_folder(file_system& fs, const std::string& dir,
                                  const std::function<void(uint64_t, uint64_t)>& on_progress);

}  // namespace troupe::storage
