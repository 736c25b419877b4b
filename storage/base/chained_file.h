// A file that is replaced as a whole or appended to by frames. Each frame continues the checksum of
// the one before, so that what a damaged or missing frame leaves behind is not taken for a file:
//
//   frame = u32 length of the body, u32 crc32c of the body continued from the frame before (the
//           first one: 0), body: u8 kind, content
#pragma once

#include "storage/base/coding.h"
#include "storage/base/file_system.h"
#include "storage/base/result.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

struct chained_frame {
  uint8_t kind = 0;
  std::string_view content;  ///< a view into the input
};
/// The next frame; none if there is none that holds. `crc` is that of the frame before, then its
/// own.
std::optional<chained_frame> take_chained_frame(byte_reader& in, uint32_t& crc);

/// Writes one. One owner.
class chained_file {
 public:
  chained_file(file_system& fs, std::string path) : fs_(fs), path_(std::move(path)) {}

  /// Replaces the whole by one frame. Durable when it returns ok.
  status replace(uint8_t kind, std::string_view content);
  /// unavailable before replace(), and after an error until then: its end is not known.
  status append(uint8_t kind, std::string_view content);
  /// Makes durable what was appended.
  status sync();
  status remove();

  bool is_begun() const { return file_ != nullptr; }
  uint64_t size() const { return file_ ? file_->size() : 0; }
  const std::string& path() const { return path_; }

 private:
  file_system& fs_;
  const std::string path_;
  std::unique_ptr<writable_file> file_;  ///< null: not begun, or its end is not known
  uint32_t crc_ = 0;                     ///< of the frame before
  bool dirty_ = false;
};

}  // namespace troupe
