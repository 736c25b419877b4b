// Sends what the log has to one remote-write endpoint: in order per stream, several requests at a
// time, each until it is taken or refused for good; fresh samples first when an outage is over and
// the receiver takes late ones. What was acknowledged is on disk at once. Makes requests and takes
// results; the caller does the fetching. One owner; times are passed in.
#pragma once

#include "config/remote_config.h"
#include "pipeline/http/http.h"
#include "pipeline/send/concurrency.h"
#include "pipeline/send/cursor_file.h"
#include "pipeline/send/figures.h"
#include "pipeline/send/lane.h"
#include "pipeline/send/metadata_book.h"
#include "pipeline/send/options.h"
#include "pipeline/send/request_body.h"
#include "storage/base/memory_budget.h"

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::send {

struct destination_parts {
  storage::log_door* log = nullptr;
  file_system* files = nullptr;
  std::string id;           ///< stable over restarts; names file and holds
  std::string cursor_path;  ///< in a folder that exists
  http::endpoint_ptr to;
  series_rules_ptr rules;
  metadata_source described;
  figures* metrics = nullptr;
  std::shared_ptr<const http::grant_source> grants;  ///< of all requests; null: none is needed
  memory_budget* memory = nullptr;                   ///< of the process; null: no bound
};

class destination {
 public:
  /// `from_run`: without a cursor it begins with what this run has written, else with what comes
  /// from now on.
  destination(config::remote_write_config config, destination_options options,
              destination_parts parts, bool from_run);
  ~destination();

  /// The requests to make now. Call ten times a second and after every result.
  std::vector<http::fetch_request> step(uint64_t& next_token, timestamp_ms now_ms, int64_t now_ns);
  /// True if `got` answers one of its requests.
  bool on_result(const http::fetch_result& got, timestamp_ms now_ms, int64_t now_ns);

  /// It has its place in the log, and holds it.
  bool begun() const { return begun_; }
  /// No new requests.
  void stop() { stopping_ = true; }
  /// No request is under way.
  bool idle() const;
  /// Makes the cursor durable.
  void flush();
  /// Names of its holds, one per shard.
  static constexpr std::string_view hold_prefix = "remote_write/";
  static std::string hold_name(const std::string& id, uint32_t shard);

 private:
  struct request;
  enum class late_samples : uint8_t { unknown, taken, refused };

  // destination.cc
  status begin(int64_t now_ns);
  void read(timestamp_ms now_ms, int64_t now_ns);
  bool charge(uint64_t ahead);
  bool may_send(const lane& from, bool backlog, int64_t now_ns);
  void fill(uint64_t& next_token, timestamp_ms now_ms, int64_t now_ns,
            std::vector<http::fetch_request>& out);
  void make_request(lane& from, bool backlog, std::vector<portion> parts, uint64_t& next_token,
                    timestamp_ms now_ms, std::vector<http::fetch_request>& out);
  http::fetch_request to_fetch(request& r, uint64_t token);
  void finish(std::list<request>::iterator at, bool taken);
  bool drop_from(request& r, timestamp_ms now_ms);
  void take_answer(std::list<request>::iterator at, const http::fetch_result& got,
                   timestamp_ms now_ms, int64_t now_ns);
  void note_error(const std::string& why);
  // destination_upkeep.cc
  void keep_up(timestamp_ms now_ms, int64_t now_ns);
  cursor now();
  void store_cursor();
  void append_moved();
  void move_holds();
  void bound_log();
  void remove_finished();
  void overtake(timestamp_ms now_ms, int64_t now_ns, uint64_t& next_token,
                std::vector<http::fetch_request>& out);
  void split();
  std::string probe_body(timestamp_ms ts);
  void take_probe(std::list<request>::iterator at, bool taken, bool refused, int64_t now_ns);
  void publish(timestamp_ms now_ms);
  void publish_drops();
  void send_metadata(uint64_t& next_token, int64_t now_ns, std::vector<http::fetch_request>& out);

  const config::remote_write_config config_;
  const destination_options options_;
  destination_parts parts_;
  const remote::write_protocol protocol_;
  const bool from_run_;
  cursor_file file_;
  body_encoder encoder_;
  metadata_book described_;
  concurrency allowed_;
  bool begun_ = false, stopping_ = false;
  std::vector<std::unique_ptr<lane>> lanes_;  ///< oldest first; the last one has no end
  std::list<request> requests_;
  memory_charge charged_;
  std::vector<lane_drops> published_;  ///< by lane
  std::string last_error_;
  int64_t next_upkeep_ns_ = 0, next_bound_ns_ = 0, next_begin_ns_ = 0;
  int64_t next_description_ns_ = 0;
  std::vector<std::pair<std::string, metadata>> to_describe_;  ///< version 1.0: to be sent
  double backlog_credit_ = 0;
  int64_t credit_ns_ = 0;
  // Overtaking.
  late_samples late_ = late_samples::unknown;
  bool answering_ = false;    ///< the last answer was good
  int64_t last_good_ns_ = 0;  ///< 0: none yet
  int64_t next_overtake_ns_ = 0;
  std::vector<storage::log_segment> held_;  ///< by shard
  timestamp_ms highest_sent_ = min_time;
};

}  // namespace troupe::send
