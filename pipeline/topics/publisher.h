// All publications: makes them of the configuration, keeps those that did not change, forgets
// cursors and holds of those that are gone. Plain class behind the publish actor; one owner; times
// are passed in.
#pragma once

#include "config/config.h"
#include "pipeline/kafka/credential_files.h"
#include "pipeline/stages/stage_switches.h"
#include "pipeline/topics/publication.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::topics {

struct publisher_environment {
  storage::log_door* log = nullptr;
  file_system* files = nullptr;
  registry* metrics = nullptr;
  memory_budget* memory = nullptr;    ///< of the process; null: no bound
  kafka::connector* kafka = nullptr;  ///< null: there is none
  send::metadata_source described;
  std::string folder;                          ///< of the cursors; made if it is missing
  uint64_t node = 0;                           ///< id of the data
  stages::stage_switches* switches = nullptr;  ///< null: nothing is ever paused
  /// Most log that is kept for a block of remote_write, which has no key for it.
  uint64_t remote_write_keep_bytes = config::publish_config().keep_bytes;
};

/// How a publication is doing.
struct publication_state {
  std::string name, topic;
  bool up = false;
  int64_t lag_ms = 0;
  uint64_t lag_bytes = 0;
  uint64_t dropped = 0;    ///< samples that will not be in the topic
  std::string last_error;  ///< "" if all is well
  bool paused = false;
  /// Since when the cluster does not answer, as far as this run knows; absent: it does.
  std::optional<timestamp_ms> down_since;
};

class publisher {
 public:
  publisher(session_options options, publisher_environment env);
  ~publisher();

  /// Takes a configuration in force. What did not change is kept, but for clusters whose files of
  /// credentials have.
  void apply(const std::shared_ptr<const config::config>& conf);
  /// Never blocks. Call ten times a second; true: it could go on at once.
  bool step(timestamp_ms now_ms, int64_t now_ns);
  /// Nothing is read any more, what was read goes out.
  void stop();
  /// Nothing is under way.
  bool idle() const;
  /// Makes all cursors durable.
  void flush();
  /// There is nothing to do.
  bool empty() const { return targets_.empty() && leaving_.empty() && !to_forget_; }
  std::vector<publication_state> states() const;

 private:
  struct target;

  bool step_leaving(const moment& now);
  bool is_leaving(const std::string& name) const;
  void start(target& t, const moment& now);
  status make(target& t);

  const session_options options_;
  const publisher_environment env_;
  std::shared_ptr<const config::config> conf_;
  kafka::credential_files credentials_;
  std::vector<std::unique_ptr<target>> targets_;
  std::vector<std::unique_ptr<target>> leaving_;  ///< no longer configured, still under way
  uint64_t sessions_ = 0;
  bool first_ = true;  ///< no configuration was in force before
  bool to_forget_ = false;
  bool stopping_ = false;
};

}  // namespace troupe::topics
