// Log files that other programs read, a line an event (queries, failed scrapes). Who has a line
// only queues it and never waits for a disk; whoever calls flush() writes. Thread-safe.
#pragma once

#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/base/stats.h"

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

class line_log {
 public:
  static constexpr uint64_t default_max_queued_bytes = 4ULL << 20;

  /// `files` and `metrics` must outlive this.
  line_log(file_system& files, registry& metrics,
           uint64_t max_queued_bytes = default_max_queued_bytes);

  /// Makes these the open files, each opened anew (so that files may have been renamed), and closes
  /// all others. If one cannot be opened all stays as it was.
  status open(const std::vector<std::string>& paths);
  /// Queues a line, without its line break, for an open file. Beyond the bound it is dropped and
  /// counted.
  void add(const std::string& path, std::string line);
  /// Writes what is queued. Lines of a file that cannot be written are dropped and counted; the
  /// file is opened again with the next line. Logs the first failure of a row.
  void flush();
  /// True if any file is open.
  bool active() const { return active_.load(std::memory_order_relaxed); }

 private:
  struct target {
    std::unique_ptr<writable_file> file;  ///< null after a failure
    bool failing = false;
  };
  void write_queued();
  status append(const std::string& path, target& to, std::string_view text);

  file_system& files_;
  const uint64_t max_queued_bytes_;
  counter& dropped_;
  counter& failed_;
  std::atomic<bool> active_{false};
  std::mutex queue_mutex_;
  std::vector<std::pair<std::string, std::string>> queue_;  ///< path and line
  uint64_t queued_bytes_ = 0;
  std::mutex files_mutex_;  ///< held while writing; taken before queue_mutex_
  std::map<std::string, target> targets_;
};

}  // namespace troupe
