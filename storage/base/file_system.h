// Files behind an interface, so that crashes, bit flips, full disks and power cuts are unit tests.
// Implementations: posix_file_system (here), sim_file_system (tests/support). Thread-safe as the
// kernel is: distinct files freely, one file by one owner at a time (preads may be concurrent).
#pragma once

#include "storage/base/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Append-only file. A failed sync() must not be retried on the same file: after EIO the kernel has
/// dropped the pages.
class writable_file {
 public:
  virtual ~writable_file() = default;
  /// Writes all of `data` at the end (short writes and EINTR are handled), or fails; then the tail
  /// is unknown.
  virtual status append(std::string_view data) = 0;
  /// fdatasync: what was appended before is on stable storage when it returns ok.
  virtual status sync() = 0;
  /// Only of a file from create() (else unsupported): writes zeros from the end up to byte `size`,
  /// to be overwritten by append(). A full disk shows here, and the fdatasync of what is appended
  /// there need not write the file's metadata. For a reader the file is that much longer; size()
  /// stays.
  virtual status reserve(uint64_t size) = 0;
  virtual uint64_t size() const = 0;
  virtual status close() = 0;
};

/// Random reads; const calls may run concurrently.
class readable_file {
 public:
  virtual ~readable_file() = default;
  /// Up to `n` bytes from `offset` into `out` (resized to what was read); fewer only at the end of
  /// the file.
  virtual status read(uint64_t offset, size_t n, std::string& out) const = 0;
  virtual uint64_t size() const = 0;
};

/// A read-only view of a whole file, valid while this lives. A page that the disk cannot give (the
/// file was cut, a read failed) reads as zeros and failed() is true from then on: ask it after
/// reading, before trusting what was read.
class mapped_file {
 public:
  virtual ~mapped_file() = default;
  virtual std::string_view data() const = 0;
  virtual bool failed() const = 0;
};

/// Held until destroyed.
class file_lock {
 public:
  virtual ~file_lock() = default;
};

struct dir_entry {
  std::string name;
  bool is_directory = false;
};

/// Paths are plain strings with '/'. Every failure names the path and errno's text; ENOSPC and
/// EDQUOT give no_space, ENOENT not_found, EACCES and EPERM permission_denied, anything else
/// io_error.
class file_system {
 public:
  virtual ~file_system() = default;
  /// Creates or truncates.
  virtual result<std::unique_ptr<writable_file>> create(const std::string& path) = 0;
  /// Opens for appending, creating it if missing.
  virtual result<std::unique_ptr<writable_file>> open_append(const std::string& path) = 0;
  virtual result<std::unique_ptr<readable_file>> open_read(const std::string& path) = 0;
  virtual result<std::unique_ptr<mapped_file>> map(const std::string& path) = 0;
  /// Names sorted; without "." and "..".
  virtual result<std::vector<dir_entry>> list(const std::string& dir) = 0;
  virtual status create_directories(const std::string& dir) = 0;
  virtual status rename(const std::string& from, const std::string& to) = 0;
  virtual status remove_file(const std::string& path) = 0;
  /// Removes a directory and all below it; a missing one is ok.
  virtual status remove_all(const std::string& path) = 0;
  /// Hard link (snapshots); falls back to a copy.
  virtual status link_or_copy(const std::string& from, const std::string& to) = 0;
  virtual status truncate(const std::string& path, uint64_t size) = 0;
  /// fsync of a directory: makes creations, renames and removals in it durable.
  virtual status sync_directory(const std::string& dir) = 0;
  virtual bool exists(const std::string& path) = 0;
  virtual result<uint64_t> file_size(const std::string& path) = 0;
  /// Bytes of the whole tree below `dir`.
  virtual result<uint64_t> tree_size(const std::string& dir) = 0;
  /// Exclusive advisory lock on a file (created if missing); already_exists if another process
  /// holds it.
  virtual result<std::unique_ptr<file_lock>> lock(const std::string& path) = 0;
  virtual result<uint64_t> free_bytes(const std::string& path) = 0;
};

/// The kernel's files.
std::unique_ptr<file_system> make_posix_file_system();

/// Whole content; resource_exhausted if larger than `limit`.
result<std::string> read_file(file_system& fs, const std::string& path,
                              uint64_t limit = 1ULL << 30);
/// Writes `path`.tmp, syncs it, renames it over `path`, syncs the directory: a reader sees the old
/// or the new content.
status write_file_atomically(file_system& fs, const std::string& path, std::string_view content);
/// "a/b" + "c" = "a/b/c"
std::string join_path(std::string_view dir, std::string_view name);

}  // namespace troupe
