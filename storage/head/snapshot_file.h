// The file of a snapshot of the head as frames, written atomically, checked as a whole before it is
// read (storage/docs/head_snapshot.md). What frames hold is the head's (head_snapshot.h). One
// owner.
#pragma once

#include "storage/base/file_system.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::storage {

enum class snapshot_frame : uint8_t {
  header = 1,
  series = 2,
  references = 3,
  exemplars = 4,
  metadata = 5,
  chunks = 6,
  end = 7,
};

class snapshot_writer {
 public:
  /// Writes `path`, under a name of its own until finish().
  static result<std::unique_ptr<snapshot_writer>> create(file_system& fs, const std::string& path);
  /// Removes what is not finished.
  ~snapshot_writer();

  status put(snapshot_frame kind, std::string_view content);
  /// Durable when it returns ok; an older snapshot is replaced. The folder is synced with it.
  status finish();
  uint64_t bytes() const { return file_->size() + pending_.size(); }

 private:
  snapshot_writer(file_system& fs, std::string path) : fs_(fs), path_(std::move(path)) {}
  status flush();

  file_system& fs_;
  const std::string path_;
  std::unique_ptr<writable_file> file_;
  std::string pending_;
  uint32_t checksum_ = 0;
  bool finished_ = false;
};

class snapshot_reader {
 public:
  /// not_found if there is none; corruption if any byte of it does not hold.
  static result<std::unique_ptr<snapshot_reader>> open(file_system& fs, const std::string& path);

  /// The content of the first frame alone, checked; the rest of the file is not read.
  static result<std::string> first(file_system& fs, const std::string& path);

  /// The next frame; false at the end. The content is valid as long as this.
  bool next(snapshot_frame& kind, std::string_view& content);
  void rewind() { at_ = 0; }
  /// A page could not be read after it was checked: what was read since is not to be trusted.
  bool failed() const { return map_->failed(); }
  uint64_t bytes() const { return map_->data().size(); }

 private:
  explicit snapshot_reader(std::unique_ptr<mapped_file> map) : map_(std::move(map)) {}

  std::unique_ptr<mapped_file> map_;
  size_t at_ = 0;
};

/// Appends a frame; `checksum` is that of the one before and becomes its own. What a writer does.
void put_snapshot_frame(snapshot_frame kind, std::string_view content, uint32_t& checksum,
                        std::string& out);

}  // namespace troupe::storage
