// Reads what a Kafka topic holds of a time and writes it to a receiver of remote write. All
// partitions together, in the order of their records' times, so that a receiver with a bound on how
// old a sample may be sees times rise. One owner; blocks until it is done, by the doors' `pause`.
#pragma once

#include "pipeline/client/progress.h"
#include "pipeline/kafka/cluster.h"
#include "pipeline/replay/replay_state.h"
#include "pipeline/replay/sample_sender.h"
#include "pipeline/topics/record_reader.h"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe::replay {

struct replay_options {
  config::kafka_config cluster;
  replay_subject subject;
  topics::reader_rules rules;      ///< of the subject's selectors and labels
  int64_t slack_ms = 10 * 60'000;  ///< how far a record's time may be from those of its samples
  bool dry_run = false;
  size_t samples_per_request = 5'000;
  sender_options sender;
  size_t queue_bytes = 64u << 20;  ///< of records that wait, of all partitions
  int64_t save_ms = 1'000;         ///< how often the state is kept
  int64_t connect_ms = 30'000;     ///< without an answer of the cluster the run ends
  int64_t missing_ms = 10'000;  ///< a topic that the cluster does not know for so long is missing
  int64_t away_ms = 300'000;    ///< the cluster may be away for so long
  int64_t quiet_ms = 60'000;    ///< the cluster is there, but a partition gives nothing
};

struct replay_doors {
  kafka::connector& kafka;
  write_function write;
  const clock& clk;
  std::function<void(int64_t ms)> pause;
  std::function<bool()> stopped;              ///< true: the run ends soon, its state kept
  std::function<status(const places&)> keep;  ///< empty: nothing is kept
  client::progress& shown;
};

struct replay_counts {
  uint64_t records = 0;
  uint64_t samples = 0;      ///< read of series that are wanted; the sum of the next four, but for
                             ///< those that a run which broke off has not sent
  uint64_t written = 0;      ///< acknowledged by the receiver; of a dry run 0
  uint64_t outside = 0;      ///< of the window
  uint64_t refused = 0;      ///< by the receiver
  uint64_t not_carried = 0;  ///< histograms that version 1.0 has no form for
  uint64_t unreadable = 0;   ///< what they refer to is not in the topic any more
  uint64_t poisoned = 0;     ///< records that are none
  uint64_t gaps = 0;         ///< in the offsets
  uint64_t series = 0;       ///< with samples in the window
  timestamp_ms first = max_time, last = min_time;  ///< samples in the window

  void add(const replay_counts& o);
};

struct replay_report {
  struct partition {
    uint32_t number = 0;
    replay_counts counts;
    bool done = false;  ///< nothing of the window is left in it
  };
  std::vector<partition> partitions;
  replay_counts total;
  uint64_t requests = 0, retries = 0;
  remote::write_protocol protocol = remote::write_protocol::v2;
  std::string first_refusal, first_unreadable;
  std::vector<std::string> notes;  ///< "partition 3: offsets 5 to 9 are gone"
  /// Why it broke off; canceled: stopped. What is written was kept.
  status failed;

  /// All of the window that was written into the topic is written now.
  bool is_whole() const;
};

/// `done`: what an earlier run with this state has written.
replay_report replay_topic(const replay_options& options, const replay_doors& doors, places done);

}  // namespace troupe::replay
