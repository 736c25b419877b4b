// Under which names destinations of the log keep their places: holds on the log, files of cursors;
// and how those of destinations that are gone are forgotten.
#pragma once

#include "storage/base/file_system.h"
#include "storage/base/log.h"
#include "storage/log_door.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::send {

/// `prefix` ends with a slash and is the stage's own.
std::string hold_name(std::string_view prefix, const std::string& id, uint32_t shard);
std::string cursor_path(const std::string& folder, const std::string& id);

/// Where a stage keeps the places of its destinations.
struct kept_places {
  storage::log_door* log = nullptr;  ///< null: it has no holds
  file_system* files = nullptr;
  std::string folder;       ///< of the cursors
  std::string hold_prefix;  ///< of the holds
};

/// Releases and removes what others than `ids` have there, and holds of shards that are no more.
/// What cannot be done is told to `out` and waits for the next call.
void forget_others(const kept_places& at, const std::vector<std::string>& ids, const logger& out);

}  // namespace troupe::send
