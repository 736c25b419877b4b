// Walks the frames of one file, over damage: only what does not hold together is left out. One
// owner.
#pragma once

#include "storage/base/file_system.h"
#include "storage/base/result.h"
#include "storage/wal/frame.h"
#include "storage/wal/wal_report.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::storage {

class segment_scanner {
 public:
  /// Frames up to byte `limit`. `may_be_torn`: the file may end inside a frame that was never
  /// acked, and in reserved space. not_found and io_error as the file system says.
  static result<std::unique_ptr<segment_scanner>> open(file_system& fs, const std::string& path,
                                                       uint64_t limit, bool may_be_torn);

  enum class outcome { frame, damage, end };
  /// The next frame (its views hold until the next call), or a damaged range, or the end at the
  /// limit.
  outcome next();
  const frame& current() const { return frame_; }
  /// After outcome::damage; `damaged_bytes` may be only the start of a big range.
  const wal_damage& damage() const { return damage_; }
  std::string_view damaged_bytes() const { return damaged_bytes_; }

  const std::string& path() const { return path_; }
  uint64_t position() const { return position_; }
  uint64_t limit() const { return limit_; }
  /// Goes on at a frame further behind.
  void skip_to(uint64_t offset) { position_ = std::min(std::max(position_, offset), limit_); }
  /// A live file has grown.
  void set_limit(uint64_t limit) { limit_ = limit; }
  /// Bytes that the disk refused to read were taken as zeros.
  uint64_t unreadable_bytes() const { return unreadable_; }

 private:
  segment_scanner(std::unique_ptr<readable_file> file, std::string path, uint64_t limit,
                  bool may_be_torn)
      : file_(std::move(file)), path_(std::move(path)), limit_(limit), may_be_torn_(may_be_torn) {}
  std::string_view window(uint64_t bytes);
  void read_range(uint64_t offset, uint64_t bytes, std::string& out);
  bool ours(const frame& f) const { return !salt_known_ || f.header.salt == salt_; }
  outcome take_frame();
  outcome find_next(bool incomplete);
  outcome report_damage(uint64_t end, wal_loss reason);

  std::unique_ptr<readable_file> file_;
  std::string path_;
  uint64_t limit_;
  bool may_be_torn_;
  uint64_t position_ = 0;
  std::string buffer_;
  uint64_t buffer_start_ = 0;
  uint32_t salt_ = 0;
  bool salt_known_ = false;
  uint64_t unreadable_ = 0;
  unsigned failed_reads_ = 0;
  frame frame_;
  wal_damage damage_{};
  std::string_view damaged_bytes_;
};

}  // namespace troupe::storage
