// What of a topic is written already, kept in a file, so that a replay goes on where it was. One
// owner.
#pragma once

#include "pipeline/replay/entries.h"
#include "storage/base/chained_file.h"
#include "storage/base/result.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::replay {

/// What a replay is about. A state belongs to one.
struct replay_subject {
  std::string topic;
  time_window window;
  std::vector<std::string> match;
  std::map<std::string, std::string> labels;
  std::string url;  ///< of the receiver, without a password
};

/// How far a partition is.
struct partition_place {
  int64_t next = 0;       ///< the samples of all records before are written
  bool finished = false;  ///< what follows lies behind the window
  bool operator==(const partition_place&) const = default;
};
using places = std::map<uint32_t, partition_place>;

struct replay_state {
  replay_subject of;
  places at;
};

std::string encode(const replay_state& state);
/// corruption if it is none.
result<replay_state> decode_state(std::string_view bytes);
/// invalid_argument with what differs first.
status check_same(const replay_subject& kept, const replay_subject& now);

class state_file {
 public:
  state_file(file_system& fs, std::string path) : fs_(fs), file_(fs, std::move(path)) {}

  /// None if there is no file. invalid_argument for the file of another replay, or a damaged one.
  result<places> load(const replay_subject& of);
  /// Durable when it returns ok.
  status store(const replay_state& state);

 private:
  file_system& fs_;
  chained_file file_;
};

}  // namespace troupe::replay
