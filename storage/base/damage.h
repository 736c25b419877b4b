// What was found damaged and what became of it: the report that the API shows, and the quarantine
// folder, where damaged files and byte ranges are kept for people. Beside each item X lies its note
// X.why: "<unix ms> <reason>".
#pragma once

#include "storage/base/file_system.h"
#include "storage/base/result.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// A file or folder that was set aside.
struct quarantined_item {
  std::string path;
  std::string reason;
  uint64_t bytes = 0;
  int64_t time_ms = 0;  ///< when, Unix milliseconds; 0: the note is lost
};

/// A damaged place in a file.
struct damaged_place {
  std::string file;
  std::string reason;
  uint64_t offset = 0;
  uint64_t bytes = 0;
};

struct damage_report {
  std::vector<quarantined_item> quarantined;
  /// Since the start, by kind; every kind is there, with 0 when all is well.
  std::vector<std::pair<std::string, uint64_t>> counts;
  /// What the last replay of the log met and what the background check of blocks has found, at most
  /// some thousand.
  std::vector<damaged_place> places;
};

/// Writes the note of the item at `path`.
status note_quarantine(file_system& fs, const std::string& path, int64_t now_ms,
                       std::string_view reason);
/// The item at `path` by its note and its size; the reason is "unknown" if the note is lost.
quarantined_item read_quarantined(file_system& fs, const std::string& path, bool is_directory);
/// All items of the folder by name; none if it cannot be read.
std::vector<quarantined_item> list_quarantine(file_system& fs, const std::string& dir);

}  // namespace troupe
