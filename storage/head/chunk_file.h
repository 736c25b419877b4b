// Regions of closed chunks as files of a folder, one file a region, so that they need no memory
// (storage/docs/head_layout.md). A cache: the log has the samples too, nothing is synced, and what
// an earlier run has left is removed. Any thread; one region by one owner at a time.
#pragma once

#include "storage/base/file_system.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::storage {

/// A region read through a map.
class chunk_file {
 public:
  explicit chunk_file(std::unique_ptr<mapped_file> map) : map_(std::move(map)) {}
  std::string_view bytes() const;
  /// mapped_file::failed().
  bool failed() const { return map_->failed(); }

 private:
  std::unique_ptr<mapped_file> map_;
};

class chunk_folder {
 public:
  /// Files of shard `shard` in `dir`, which is made if it is missing.
  chunk_folder(file_system& fs, std::string dir, uint32_t shard)
      : fs_(fs), dir_(std::move(dir)), shard_(shard) {}

  /// Removes what an earlier run has left.
  status clear();
  /// Writes the region that begins at `begin`, maps it and compares. After a failure nothing is
  /// left but perhaps a file that the next clear() removes.
  result<std::unique_ptr<chunk_file>> write(uint64_t begin, std::string_view bytes);
  status remove(uint64_t begin);

 private:
  std::string path_of(uint64_t begin) const;

  file_system& fs_;
  const std::string dir_;
  const uint32_t shard_;
};

/// Looks for damage in one file of such a folder: header, length, and the checksum of every record.
/// ok, or corruption with the offset.
status check_chunk_file(file_system& fs, const std::string& path);

}  // namespace troupe::storage
