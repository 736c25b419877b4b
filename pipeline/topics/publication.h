// Streams what this node's log has into one topic. The log is the spool: a hold keeps what Kafka
// has not confirmed, up to a bound. What was confirmed is on disk at once; whatever goes wrong, the
// rest is read again from the log. Never blocks. One owner; times are passed in.
#pragma once

#include "config/kafka_config.h"
#include "pipeline/kafka/cluster.h"
#include "pipeline/send/cursor_file.h"
#include "pipeline/topics/give_up.h"
#include "pipeline/topics/session.h"
#include "storage/base/memory_budget.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::topics {

struct publication_parts {
  storage::log_door* log = nullptr;
  file_system* files = nullptr;
  memory_budget* memory = nullptr;  ///< of the process; null: no bound
  std::string cursor_path;          ///< in a folder that exists
  send::series_rules_ptr rules;
  send::metadata_source described;
  publish_figures* metrics = nullptr;
  uint64_t node = 0;             ///< id of the data
  uint64_t* sessions = nullptr;  ///< begun in this run by all publications
  /// Makes a producer for the topic.
  std::function<result<std::unique_ptr<kafka::producer>>()> connect;
};

class publication {
 public:
  /// `from_run`: without a cursor it begins with what this run has written, else with what comes
  /// from now on.
  publication(config::publish_config config, session_options options, publication_parts parts,
              bool from_run);
  ~publication();

  /// True: it could go on at once.
  bool step(const moment& now);
  /// Nothing is read, and nothing is handed to Kafka; what was handed over is still counted.
  void set_paused(bool paused) { paused_ = paused; }
  /// What was read goes out, nothing more is read.
  void stop();
  /// Nothing is under way, or it is paused.
  bool is_idle() const;
  /// Makes the cursor durable.
  void flush();

  /// It has its place in the log, and holds it.
  bool is_begun() const { return begun_; }
  bool is_up() const { return producer_ && producer_->state().up; }
  /// Since when no broker of the cluster answers; absent: one does.
  std::optional<timestamp_ms> down_since() const { return down_since_; }
  int64_t lag_ms() const { return lag_ms_; }
  uint64_t lag_bytes() const { return lag_bytes_; }
  uint64_t dropped() const;
  /// "" if all is well.
  std::string last_error() const;

  static constexpr std::string_view hold_prefix = "publish/";
  static std::string hold_name(const std::string& name, uint32_t shard);

 private:
  status begin(const moment& now);
  bool connect(const moment& now);
  bool run(const moment& now);
  bool is_over() const;
  status take_deliveries();
  void begin_session(uint32_t partitions);
  void end_session();
  void start_anew(const status& why, const moment& now);
  int slices();
  bool go_on_giving_up();
  void keep_up(const moment& now);
  void bound_log();
  void append_moved();
  bool store_cursor();
  void move_holds();
  send::cursor now();
  const send::stretch& at() { return session_ ? session_->at() : at_; }
  void note_error(const std::string& why);
  bool note_disk(const status& s, std::string_view what);
  void publish(const moment& now);

  const config::publish_config config_;
  const session_options options_;
  publication_parts parts_;
  const bool from_run_;
  send::cursor_file file_;
  send::metadata_book described_;
  oversize too_large_;
  bool begun_ = false, stopping_ = false, paused_ = false;
  send::stretch at_;  ///< without a session
  std::unique_ptr<kafka::producer> producer_;
  std::unique_ptr<session> session_;  ///< refers to the producer
  uint32_t partitions_ = 0;           ///< of the session
  bool ending_ = false;               ///< the session: the topic has other partitions now
  std::unique_ptr<give_up> giving_up_;
  uint64_t given_up_ = 0;  ///< samples of that, as far as they were told
  memory_charge charged_;
  std::vector<storage::log_segment> held_;  ///< by shard
  std::string error_;                       ///< until a record is confirmed
  std::string disk_error_;                  ///< of cursor or holds, until that works
  int64_t next_try_ns_ = 0, next_upkeep_ns_ = 0, next_bound_ns_ = 0, next_description_ns_ = 0;
  double confirmed_ = 0;  ///< records, when the bound was last looked at
  std::optional<timestamp_ms> down_since_;
  int64_t lag_ms_ = 0;
  uint64_t lag_bytes_ = 0;
  timestamp_ms done_ms_ = min_time;  ///< up to this time all was done
};

}  // namespace troupe::topics
