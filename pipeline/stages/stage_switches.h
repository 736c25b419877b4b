// Pauses of stages that bring samples from or to other nodes, for rehearsals of an outage. A pause
// ends by itself at its time: who asked for it may be gone. In memory only. Thread-safe.
#pragma once

#include "storage/base/stats.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::stages {

enum class stage : uint8_t {
  publish,   ///< into a topic
  consume,   ///< from a topic
  federate,  ///< from another node
};
std::string_view to_text(stage s);
std::optional<stage> parse_stage(std::string_view text);

struct paused_stage {
  stage at = stage::publish;
  std::string name;        ///< of its block in the configuration
  timestamp_ms until = 0;  ///< by the wall clock, for people
  std::string reason;
};

class stage_switches {
 public:
  static constexpr int64_t longest_ms = 3'600'000;

  explicit stage_switches(registry& metrics) : metrics_(metrics) {}

  /// From now on; takes the place of a pause that it has. `for_ms` is 1 to longest_ms.
  void pause(stage at, const std::string& name, int64_t for_ms, std::string reason,
             timestamp_ms now_ms, int64_t now_ns);
  /// False: it was not paused.
  bool resume(stage at, const std::string& name, int64_t now_ns);
  /// Asked by each stage in its steps; the first one to ask after its end ends a pause.
  bool is_paused(stage at, const std::string& name, int64_t now_ns);
  /// The pause it has, if there is one.
  std::optional<paused_stage> find(stage at, const std::string& name, int64_t now_ns);
  std::vector<paused_stage> list(int64_t now_ns);

 private:
  using key = std::pair<stage, std::string>;
  struct entry {
    gauge* shown = nullptr;
    int64_t until_ns = 0;  ///< 0: not paused
    paused_stage pause;
  };

  entry& entry_of(stage at, const std::string& name);
  void end_those_over(int64_t now_ns);
  static void end(entry& e, std::string_view why);

  registry& metrics_;
  std::mutex lock_;
  std::map<key, entry> entries_;
};

}  // namespace troupe::stages
