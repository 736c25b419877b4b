// How far the data that senders push are complete: what rules wait for. Thread-safe.
#pragma once

#include "storage/model/sample.h"

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace troupe::ingest {

class input_marks {
 public:
  /// A request of a sender was stored; `newest` is the latest time among its samples.
  void note(const std::string& sender, timestamp_ms newest, int64_t now_ms);
  /// Every sender heard of lately has sent what it has up to this time. A sender that delivers old
  /// data beside new ones (a backlog) is as far as the old ones. max_time without senders.
  timestamp_ms complete_until(int64_t now_ms);
  /// Of the senders heard of lately, some that have not sent everything up to `until`: those that
  /// are furthest behind.
  struct sender_mark {
    std::string name;
    timestamp_ms complete_until = min_time;
  };
  std::vector<sender_mark> behind(timestamp_ms until, int64_t now_ms);

 private:
  struct sender_state {
    int64_t last_ms = 0;           ///< wall time of the last request
    timestamp_ms peak = min_time;  ///< newest sample of all requests
    /// Requests of the last seconds with old data: wall time, newest sample.
    std::deque<std::pair<int64_t, timestamp_ms>> backlog;
  };

  void forget_old(int64_t now_ms);
  static timestamp_ms reached(const sender_state& s);

  std::mutex lock_;
  std::map<std::string, sender_state> senders_;
};

}  // namespace troupe::ingest
