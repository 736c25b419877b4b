// What of an import or export is done: a small text file in the folder that is written, so that one
// that was killed goes on where it was.
//
//   troupe transfer 1
//   source <16 hex digits>     which one: its source and its filter
//   done <begin> <end>         milliseconds, half open; per range
//   crc <8 hex digits of the CRC-32C of all lines before>
#pragma once

#include "storage/base/file_system.h"
#include "storage/offline/import_plan.h"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::storage {

class transfer_state {
 public:
  /// The file at `path` of the transfer from `source`. One that is missing, damaged, of a later
  /// version or of another transfer says nothing.
  static transfer_state load(file_system& fs, std::string path, uint64_t source);

  bool is_done(const import_range& range) const;
  /// The file was there: this transfer was begun before.
  bool resumed() const { return resumed_; }
  /// Durable when it returns: it was begun.
  status begin();
  /// Durable when it returns.
  status add(const import_range& range);
  /// The transfer is through.
  status remove();

 private:
  transfer_state(file_system& fs, std::string path, uint64_t source)
      : fs_(fs), path_(std::move(path)), source_(source) {}
  std::string text() const;
  bool parse(std::string_view text);

  file_system& fs_;
  std::string path_;
  uint64_t source_;
  std::vector<import_range> done_;
  bool resumed_ = false;
};

}  // namespace troupe::storage
