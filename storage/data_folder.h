// The data folder: who it belongs to, its description and its lock. Used once, at open.
//
//   <dir>/troupe.meta   what the folder is; never changes
//   <dir>/lock          held while a process uses the folder
//   <dir>/wal           storage/wal
//   <dir>/head_chunks   closed chunks of the heads
//   <dir>/blocks        storage/compact
//   <dir>/quarantine    damaged blocks and log ranges
//   <dir>/snapshots     copies made on request, each a data folder of its own
#pragma once

#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/options.h"

#include <memory>
#include <string>

namespace troupe::storage {

/// Opens a folder of ours, or makes one of an empty or missing one. The answer is the lock, null
/// with no_lockfile. permission_denied with a hint, and nothing touched, if the folder holds
/// anything else; unsupported for a later format; already_exists if another process holds the lock.
result<std::unique_ptr<file_lock>> open_data_folder(file_system& fs, const options& opts);

/// Where the heads' closed chunks are.
inline std::string head_chunk_dir(const std::string& dir) {
  return join_path(dir, "head_chunks");
}

/// Writes <dir>/troupe.meta, durable.
status write_folder_meta(file_system& fs, const std::string& dir);

}  // namespace troupe::storage
