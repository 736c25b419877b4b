// One source that this node takes over from, seen from here: asks, hands out what is to be stored,
// and keeps the place only when that is stored. Whoever carries requests and answers, and stores,
// is the caller. One owner; times are passed in.
#pragma once

#include "config/federation_config.h"
#include "pipeline/federate/stream.h"
#include "pipeline/ingest/ingester.h"
#include "pipeline/remote/series_cache.h"
#include "pipeline/remote/write_codec.h"
#include "storage/base/file_system.h"
#include "storage/base/stats.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::federate {

struct subscription_parts {
  file_system* files = nullptr;
  registry* metrics = nullptr;
  remote::series_cache* known = nullptr;
  std::string cursor_path;  ///< in a folder that exists
  std::string node;         ///< this one's id
};

class subscription {
 public:
  /// How long the source may hold an answer.
  static constexpr int64_t wait_ms = 10'000;

  subscription(const config::federation_config& config, subscription_parts parts, int64_t now_ns);

  /// The request to make now, if it is time. Call ten times a second and after every answer.
  std::optional<stream_request> step(int64_t now_ns);
  /// What came of it. Batches are to be stored, then on_stored() tells; without any that is over.
  std::vector<batch_ptr> on_answer(stream_answer got, int64_t now_ns);
  void on_stored(const std::vector<ingest::outcome>& outcomes, int64_t now_ns);

  /// Asks nothing, and drops the answer that is under way, which is asked for again.
  void set_paused(bool paused) { paused_ = paused; }
  /// Batches that it gave are not stored yet.
  bool is_storing() const { return state_ == state::storing; }
  /// No new requests.
  void stop() { stopping_ = true; }
  /// Until how long ago, in ms, samples are complete; absent without an answer since the last call.
  std::optional<int64_t> take_progress() { return std::exchange(progress_, std::nullopt); }
  /// As the source knows this subscription.
  std::string name_at_source() const { return name_ + "-" + parts_.node; }

 private:
  enum class state : uint8_t { resting, asking, storing };
  struct figures {
    figures(registry& r, const std::string& name);
    counter &samples, &refused, &bytes, &errors, &gaps, &gap_seconds, &damaged, &restarts;
    gauge& lag_seconds;
  };

  void load_cursor();
  status store_cursor();
  void note(const stream_answer& got);
  void finish(int64_t now_ns);
  void fail(std::string why, int64_t now_ns, bool for_good = false);

  const std::string name_;
  const subscription_parts parts_;
  stream_request request_;  ///< with the cursor that is on disk
  figures metrics_;
  state state_ = state::resting;
  bool stopping_ = false, paused_ = false;
  stream_answer answer_;           ///< that is being stored
  remote::decoded_write decoded_;  ///< of it, without the batches
  std::string last_error_;
  bool refusing_ = false;  ///< the storage refused some of the last answer
  int64_t pause_ms_ = 0;
  int64_t next_ns_ = 0;
  int64_t lag_ms_ = 0;
  std::optional<int64_t> progress_;
  int64_t told_ns_;  ///< when the lag was told
};

}  // namespace troupe::federate
