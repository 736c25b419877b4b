// Which requests of a write bench were acknowledged: enough to generate every sample again and to
// look for it. A text file that is appended to with each answer:
//   troupe-ledger 1
//   key value          one line per parameter
//   (empty line)
//   a GROUP CHUNK      acknowledged
//   u GROUP CHUNK      sent, outcome unknown
//   r GROUP CHUNK      refused for good
#pragma once

#include "pipeline/bench/fleet.h"
#include "storage/base/file_system.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::bench {

/// How samples are cut into requests: request (group, chunk) carries rows [group * rows, + rows) of
/// series [chunk * series, + series).
struct write_shape {
  size_t series = 1;  ///< of one request
  uint64_t rows = 1;  ///< of one request

  /// Requests of about `samples` samples of `f`.
  static write_shape of(const fleet_options& f, size_t samples);
  size_t chunks(const fleet_options& f) const { return (f.series + series - 1) / series; }
  uint64_t groups(const fleet_options& f) const { return (f.rows + rows - 1) / rows; }
};

/// What a ledger says about its run.
struct ledger_header {
  std::string profile = "node";
  std::string recording;  ///< the file, if not the built-in one
  size_t width = 0;       ///< series a host as asked for; 0: the profile's own
  fleet_options fleet;
  write_shape shape;
};

enum class outcome : uint8_t { unsent, acked, unknown, refused };

struct ledger {
  ledger_header header;
  std::vector<outcome> requests;  ///< [group * chunks + chunk]

  outcome at(uint64_t group, size_t chunk) const {
    return requests[group * header.shape.chunks(header.fleet) + chunk];
  }
};

/// Keeps the outcomes in memory and, if it has a file, on disk. One owner.
class ledger_book {
 public:
  explicit ledger_book(const ledger_header& header);
  /// Writes the header; `path` is replaced.
  status open(file_system& fs, const std::string& path);
  status note(uint64_t group, size_t chunk, outcome what);
  const ledger& entries() const { return ledger_; }

 private:
  ledger ledger_;
  std::unique_ptr<writable_file> file_;
};

/// invalid_argument with the line for anything malformed; a torn last line is left out.
result<ledger> parse_ledger(std::string_view text);

}  // namespace troupe::bench
