// What survives a restart of stream_aggregation, in one file: a snapshot of all rules with its
// place in the log, then every decision to close steps, with the places up to which the log was
// read before. The log read again from the snapshot on, with the same decisions at the same places,
// gives the same outputs. One owner.
//
//   file = chained frames (storage/base/chained_file.h): kind 1 snapshot, the first frame; 2
//   decision
#pragma once

#include "pipeline/send/cursor.h"
#include "storage/base/chained_file.h"
#include "storage/base/file_system.h"
#include "storage/base/result.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::aggregate {

struct rule_state {
  uint64_t rule = 0;  ///< fingerprint
  std::string bytes;  ///< aggregator::encode()
  bool operator==(const rule_state&) const = default;
};

struct snapshot {
  send::stretch at;  ///< without an end
  std::vector<rule_state> rules;
  bool operator==(const snapshot&) const = default;
};

struct closing {
  uint64_t rule = 0;
  timestamp_ms up_to = 0;  ///< all steps that end here or before
  bool operator==(const closing&) const = default;
};

struct decision {
  std::vector<send::advance> read;  ///< of streams that went on since the decision before
  std::vector<closing> closed;
  bool operator==(const decision&) const = default;
};

struct journal_contents {
  snapshot base;
  std::vector<decision> since;
  bool operator==(const journal_contents&) const = default;
};

class journal {
 public:
  journal(file_system& fs, std::string path) : fs_(fs), file_(fs, std::move(path)) {}

  /// What the file says; absent if there is none. corruption if not even its first frame holds.
  result<std::optional<journal_contents>> load();
  /// Replaces the whole. Durable when it returns ok.
  status store(const snapshot& now);
  /// Durable when it returns ok; else the next thing to do is store(). unavailable if it should be
  /// now, since the file was not begun.
  status append(const decision& d);
  /// There is no state any more.
  status remove() { return file_.remove(); }
  /// Bytes of decisions since the snapshot.
  uint64_t appended() const { return file_.size() - std::min(file_.size(), snapshot_bytes_); }

 private:
  file_system& fs_;
  chained_file file_;
  uint64_t snapshot_bytes_ = 0;
};

std::string encode(const snapshot& s);
std::string encode(const decision& d);
/// What the bytes of such a file say, as far as they hold.
result<journal_contents> read_journal(std::string_view bytes);

}  // namespace troupe::aggregate
