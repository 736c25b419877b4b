// A session whose records are bodies of remote write: of each stream one record is under way at a
// time, so one that is too large is halved without changing the order. One owner.
#pragma once

#include "pipeline/send/lane.h"
#include "pipeline/send/request_body.h"
#include "pipeline/topics/session.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::topics {

class bodies_session final : public session {
 public:
  bodies_session(const session_parts& parts, const session_options& options,
                 remote::write_protocol protocol, send::stretch from);

  result<bool> step(int slices, const moment& now) override;
  status on_delivery(const kafka::delivery& d) override;
  void stop() override { stopping_ = true; }
  bool is_spoilt() const override { return false; }
  size_t under_way() const override { return sent_.size(); }
  bool is_idle() const override { return lane_.waiting() == 0 && unsent_.empty() && sent_.empty(); }

  const send::stretch& at() override { return lane_.at(); }
  std::vector<send::advance> take_moved() override;
  timestamp_ms oldest_ts() const override { return lane_.oldest_ts(); }
  bool caught_up() const override { return lane_.caught_up(); }
  uint64_t memory_bytes() const override;

 private:
  /// What was taken of a stream, in how many records.
  struct taken {
    send::portion whole;
    size_t records = 0;
  };
  struct body {
    uint32_t partition = 0;
    std::vector<send::portion> parts;
    std::vector<std::shared_ptr<taken>> of;  ///< of each part
    std::string payload;                     ///< until it is handed over
    size_t bytes = 0;
    size_t entries() const;
    uint64_t samples() const;
    void add(const std::shared_ptr<taken>& from, send::portion part);
  };

  bool is_full() const;
  bool is_due(int64_t now_ns) const;
  void count_drops();
  void make_records();
  status hand_over(const moment& now);
  void halve(body b);
  void finish(const body& b);

  const session_parts parts_;
  const session_options options_;
  send::lane lane_;
  send::body_encoder encoder_;
  std::deque<body> unsent_;  ///< the producer's queue was full
  std::map<uint64_t, body> sent_;
  std::vector<uint16_t> moved_;
  uint64_t next_token_ = 1;
  uint64_t damaged_ = 0, too_old_ = 0;  ///< as far as they were counted
  bool stopping_ = false;
};

}  // namespace troupe::topics
