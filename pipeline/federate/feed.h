// One subscription at its source: reads the log for what the subscriber selects and answers portion
// by portion. What an answer carried is done with when the next request names the cursor behind it.
// Fresh samples come first; what was missed follows beside them. One owner; times are passed in.
#pragma once

#include "pipeline/federate/stream.h"
#include "pipeline/federate/stream_cursor.h"
#include "pipeline/send/lane.h"
#include "pipeline/send/metadata_book.h"
#include "pipeline/send/request_body.h"
#include "storage/log_door.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::federate {

struct feed_options {
  size_t most_entries = 20'000;            ///< of an answer: about 1 MiB
  int64_t gather_ms = 300;                 ///< samples wait so long for others
  int64_t fresh_first_lag_ms = 60'000;     ///< beyond it fresh samples overtake those that wait
  uint64_t most_keep_bytes = 16ULL << 30;  ///< of the log, for one subscription
  size_t most_subscriptions = 16;
};

struct feed_parts {
  storage::log_door* log = nullptr;
  uint64_t source = 0;  ///< the id of these data
  feed_options options;
};

class feed {
 public:
  /// `first` is its first request; `external_labels` those of the source. invalid_argument for
  /// selectors that do not parse.
  static result<std::unique_ptr<feed>> open(
      const feed_parts& parts, const stream_request& first,
      const std::map<std::string, std::string>& external_labels);
  ~feed();

  /// The request goes on behind the last answer: what was in it needs no log any more. False: this
  /// feed does not serve it.
  bool go_on(const stream_request& next);
  /// Reads, then answers: with what there is, if it is enough or `due`. What it reads of families
  /// goes into `described`.
  std::optional<stream_answer> poll(bool due, send::metadata_book& described, timestamp_ms now_ms,
                                    int64_t now_ns);

  static constexpr std::string_view hold_prefix = "federation/";
  static std::string hold_name(const std::string& subscription, uint32_t shard);

 private:
  feed(const feed_parts& parts, const stream_request& first, send::series_rules_ptr rules);
  stream_cursor begin(const std::string& text);
  bool is_of_this_log(const stream_cursor& c) const;
  status hold(const std::vector<storage::log_segment>& oldest);
  std::vector<storage::log_segment> oldest() const;
  status read(send::metadata_book& described, timestamp_ms now_ms, int64_t now_ns);
  bool has_enough(int64_t now_ns) const;
  timestamp_ms as_of(const send::lane& l, timestamp_ms now_ms) const;
  std::vector<send::portion> take();
  void note_losses(stream_answer& to, timestamp_ms now_ms);
  status split();
  std::unique_ptr<send::lane> make_lane(send::stretch from) const;

  const feed_parts parts_;
  const stream_request of_;
  const send::series_rules_ptr rules_;
  send::body_encoder encoder_;
  std::vector<std::unique_ptr<send::lane>> lanes_;  ///< oldest first; the last one has no end
  stream_start start_ = stream_start::goes_on;      ///< to be told with the next answer
  timestamp_ms as_of_ = min_time;                   ///< of the last answer
  uint64_t told_damaged_ = 0, told_missing_ = 0;
  uint64_t past_damaged_ = 0, past_missing_ = 0;  ///< of lanes that are gone
  std::string last_cursor_;
  std::vector<storage::log_segment> done_;  ///< by shard, where reading begins behind that answer
  int64_t next_split_ns_ = 0;
};

}  // namespace troupe::federate
