// Regions of closed chunks as files of a folder, one file a region, so that they need no memory
// (storage/docs/head_layout.md). A cache: the log has the samples too, and what an earlier run has
// left counts only if a snapshot names it (storage/docs/head_snapshot.md). Any thread; one region
// by one owner at a time.
#pragma once

#include "storage/base/file_system.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace troupe::storage {

/// A region read through a map.
class chunk_file {
 public:
  chunk_file(std::unique_ptr<mapped_file> map, uint32_t checksum)
      : map_(std::move(map)), checksum_(checksum) {}
  std::string_view bytes() const;
  /// mapped_file::failed().
  bool failed() const { return map_->failed(); }
  /// CRC-32C of the bytes as they were written.
  uint32_t checksum() const { return checksum_; }

 private:
  std::unique_ptr<mapped_file> map_;
  uint32_t checksum_;
};

/// What the name of a snapshot in such a folder ends with.
inline constexpr std::string_view snapshot_suffix = ".snapshot";

class chunk_folder {
 public:
  /// Files of shard `shard` in `dir`, which is made if it is missing.
  chunk_folder(file_system& fs, std::string dir, uint32_t shard)
      : fs_(fs), dir_(std::move(dir)), shard_(shard) {}

  /// Removes what an earlier run has left, but the files of regions that begin at `kept` places.
  status clear(const std::set<uint64_t>& kept = {});
  /// Writes the region that begins at `begin`, maps it and compares. After a failure nothing is
  /// left but perhaps a file that the next clear() removes.
  result<std::unique_ptr<chunk_file>> write(uint64_t begin, std::string_view bytes);
  /// A file from before, checked: corruption if it is not what write() made of bytes of that size
  /// and checksum.
  result<std::unique_ptr<chunk_file>> open(uint64_t begin, uint64_t size, uint32_t checksum);
  /// Durable when it returns ok, once the folder is synced too.
  status sync(uint64_t begin);
  status remove(uint64_t begin);
  /// Where the shard's snapshot lies.
  std::string snapshot_path() const;
  file_system& files() const { return fs_; }

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
