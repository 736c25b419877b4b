// A destination's cursor in a file of its own: a whole cursor, then what was acknowledged since,
// appended at once and synced from time to time. So a process that dies loses nothing of it, and a
// power cut what came after the last sync, which is sent again. One owner.
//
//   file = chained frames (storage/base/chained_file.h): kind 1 cursor, the first frame; 2
//   advances
#pragma once

#include "pipeline/send/cursor.h"
#include "storage/base/chained_file.h"
#include "storage/base/file_system.h"
#include "storage/base/result.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::send {

class cursor_file {
 public:
  /// Beyond so many bytes it is written anew.
  static constexpr uint64_t most_bytes = 1 << 20;

  cursor_file(file_system& fs, std::string path) : fs_(fs), file_(fs, std::move(path)) {}

  /// What the file says; absent if there is none. corruption if not even its first frame holds.
  result<std::optional<cursor>> load();
  /// Replaces the whole. Durable when it returns ok.
  status store(const cursor& now);
  /// `now` is the cursor with these steps taken.
  status append(const std::vector<advance>& steps, const std::function<cursor()>& now);
  /// Makes durable what was appended.
  status sync() { return file_.sync(); }

 private:
  file_system& fs_;
  chained_file file_;
};

/// What the bytes of such a file say, as far as they hold.
result<cursor> read_cursor_file(std::string_view bytes);

}  // namespace troupe::send
