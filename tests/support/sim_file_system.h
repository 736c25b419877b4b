// A file system in memory, deterministic from a seed, for whole-node simulation: at crash()
// unsynced bytes and unsynced directory operations are lost, kept or torn; any operation can be
// made to fail; files can be damaged. Thread-safe.
//
// What counts as durable: bytes after writable_file::sync() of that file; names after
// sync_directory() of their folder. A directory itself is durable when created.
#pragma once

#include "storage/base/file_system.h"
#include "storage/base/random.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::support {

/// Classes of operations that faults are aimed at; combine with |.
enum sim_op : uint32_t {
  op_append = 1,
  op_sync = 2,
  op_create = 4,  ///< create, open_append of a missing file, create_directories, link
  op_rename = 8,
  op_remove = 16,
  op_truncate = 32,
  op_reserve = 64,
  op_sync_directory = 128,
  op_read = 256,  ///< open_read, map, read, list
  op_write_side = 255,
  op_all = 511,
};

class sim_file_system final : public file_system {
 public:
  explicit sim_file_system(uint64_t seed);
  ~sim_file_system() override;

  // --- faults ---
  /// The n-th (from 1) operation of `ops` from now on fails with `code` (no_space or io_error); if
  /// sticky, all later ones too. An append that fails may leave a part of its bytes. Replaces an
  /// earlier plan.
  void fail_nth(uint64_t n, errc code, bool sticky = false, uint32_t ops = op_write_side);
  /// Only operations on paths that contain `part` count and fail; empty: all.
  void fail_only_on(std::string part);
  void clear_faults();
  /// Operations of `ops` so far (for loops over every one of them).
  uint64_t operations(uint32_t ops = op_write_side) const;
  /// True since a planned fault struck.
  bool fault_struck() const;
  /// Bytes of all files and reservations; 0: no limit.
  void set_space_limit(uint64_t bytes);
  uint64_t used_bytes() const;
  /// Called at every sync of a file or directory with the bytes it flushes: a slow disk advances
  /// the virtual clock here.
  void on_sync(std::function<void(uint64_t bytes)> callback);

  // --- crash ---
  /// Power cut: what is not durable is kept, lost or torn (per 512-byte sector) as the seed says.
  /// Open handles fail from then on, locks are free.
  void crash();
  /// kill -9: the kernel keeps all that was written; handles fail and locks are free.
  void kill();

  // --- damage, effective at once and durable ---
  void flip_bit(const std::string& path, uint64_t offset, unsigned bit);
  void overwrite(const std::string& path, uint64_t offset, std::string_view bytes);
  void cut(const std::string& path, uint64_t size);
  /// Creates or replaces a whole file.
  void put(const std::string& path, std::string content);
  /// Mappings of `path` that are open now say failed(), as after a read error in one of their
  /// pages.
  void fail_mappings(const std::string& path);
  /// Whole content; empty if missing.
  std::string content(const std::string& path) const;
  /// All files below `prefix`, sorted.
  std::vector<std::string> files(const std::string& prefix = {}) const;
  /// Bytes of `path` that would survive a crash for certain.
  uint64_t durable_size(const std::string& path) const;

  // --- file_system ---
  result<std::unique_ptr<writable_file>> create(const std::string& path) override;
  result<std::unique_ptr<writable_file>> open_append(const std::string& path) override;
  result<std::unique_ptr<readable_file>> open_read(const std::string& path) override;
  result<std::unique_ptr<mapped_file>> map(const std::string& path) override;
  result<std::vector<dir_entry>> list(const std::string& dir) override;
  status create_directories(const std::string& dir) override;
  status rename(const std::string& from, const std::string& to) override;
  status remove_file(const std::string& path) override;
  status remove_all(const std::string& path) override;
  status link_or_copy(const std::string& from, const std::string& to) override;
  status truncate(const std::string& path, uint64_t size) override;
  status sync_directory(const std::string& dir) override;
  bool exists(const std::string& path) override;
  result<uint64_t> file_size(const std::string& path) override;
  result<uint64_t> tree_size(const std::string& dir) override;
  result<std::unique_ptr<file_lock>> lock(const std::string& path) override;
  result<uint64_t> free_bytes(const std::string& path) override;

 private:
  struct inode;
  class writer;
  class reader;
  class mapping;
  class held_lock;
  using inode_ptr = std::shared_ptr<inode>;

  /// One directory operation that is not durable yet: names set (or, with null, removed) together.
  /// One inside a folder whose own rename is pending needs that rename (by id) to count.
  struct pending_op {
    uint64_t id = 0;
    uint64_t needs = 0;
    bool synced = false;
    std::string dir;
    std::vector<std::pair<std::string, inode_ptr>> changes;
  };

  status check(sim_op op, const std::string& path);
  /// Changes what `node` occupies to `bytes`; no_space above the limit.
  status charge(inode& node, uint64_t bytes, const std::string& path);
  static void write_at_end(inode& node, std::string_view bytes);
  status append_to(inode& node, std::string_view data, const std::string& path);
  status sync_file(inode& node, const std::string& path);
  status reserve_for(inode& node, uint64_t size, const std::string& path);
  void change(const std::string& dir, std::vector<std::pair<std::string, inode_ptr>> changes);
  void apply_durable(const pending_op& op);
  void rename_directory(const std::string& from, const std::string& to);
  void truncate_locked(inode& node, uint64_t size);
  void recount();
  inode_ptr find(const std::string& path) const;
  result<std::unique_ptr<writable_file>> open_locked(const std::string& path, bool truncate);
  void crash_inode(inode& node);
  void end_process();

  mutable std::mutex mutex_;
  seeded_random random_;
  std::map<std::string, inode_ptr> names_;
  std::map<std::string, inode_ptr> durable_names_;
  std::vector<pending_op> pending_;
  uint64_t next_op_ = 1;
  std::set<std::string> locked_;
  uint64_t generation_ = 0;
  uint64_t used_ = 0;
  uint64_t space_limit_ = 0;
  std::map<uint32_t, uint64_t> op_counts_;
  uint64_t fail_in_ = 0;
  uint32_t fail_ops_ = 0;
  errc fail_code_ = errc::io_error;
  bool fail_sticky_ = false;
  bool struck_ = false;
  std::string fail_part_;
  std::function<void(uint64_t)> on_sync_;
};

}  // namespace troupe::support
