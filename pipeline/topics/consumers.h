// All topics that this node stores: makes consumptions of the configuration, keeps those that did
// not change, forgets those that are gone. Plain class behind the consume actor; one owner; times
// are passed in.
#pragma once

#include "config/config.h"
#include "pipeline/kafka/credential_files.h"
#include "pipeline/stages/stage_switches.h"
#include "pipeline/topics/consumption.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace troupe::topics {

struct consume_environment {
  file_system* files = nullptr;
  registry* metrics = nullptr;
  kafka::connector* kafka = nullptr;  ///< null: blocks are an error
  std::shared_ptr<remote::series_cache> known;
  std::string folder;                          ///< of offsets; made if it is missing
  std::string quarantine;                      ///< of records that nobody can read; the same
  stages::stage_switches* switches = nullptr;  ///< null: nothing is ever paused
};

class consumers {
 public:
  explicit consumers(consume_environment env);
  ~consumers();

  /// Takes a configuration in force. What did not change is kept, but for clusters whose files of
  /// credentials have.
  void apply(const std::shared_ptr<const config::config>& conf);
  /// What is to be stored now. Call ten times a second, and after on_stored().
  std::vector<delivery> step(int64_t now_ms, int64_t now_ns);
  void on_stored(uint64_t token, const std::vector<ingest::outcome>& outcomes, int64_t now_ms,
                 int64_t now_ns);
  /// Those of which more was stored since the last call: name, and up to when all is.
  std::vector<std::pair<std::string, timestamp_ms>> take_progress();
  std::vector<consumption_state> states() const;

  bool empty() const { return all_.empty(); }
  /// There is more to do at once.
  bool is_hungry() const;
  void stop();
  /// Nothing waits to be stored.
  bool idle() const;

 private:
  void forget_others();

  consume_environment env_;
  std::shared_ptr<const config::config> conf_;
  kafka::credential_files credentials_;
  record_quarantine quarantine_;
  uint64_t next_token_ = 1;
  std::vector<std::unique_ptr<consumption>> all_;
  bool stopping_ = false;
};

}  // namespace troupe::topics
