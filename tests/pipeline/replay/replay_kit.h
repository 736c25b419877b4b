// What the tests of replay share: a simulated topic that nodes have written, and a receiver that
// remembers what it got and fails on command. Time is virtual. One owner.
#pragma once

#include "pipeline/replay/topic_replay.h"
#include "pipeline/topics/record_writer.h"
#include "tests/support/sim_file_system.h"
#include "tests/support/sim_kafka.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace troupe::replay {

inline constexpr timestamp_ms hour_zero = 1'700'000'000'000;
inline constexpr int64_t second = 1'000, minute = 60 * second;

/// Values by series and time.
using sample_map = std::map<std::pair<std::string, timestamp_ms>, double>;

/// A node that streams into one partition: a sample of each of its series a record.
class node_writer {
 public:
  node_writer(support::sim_kafka& to, std::string topic, uint32_t partition, uint64_t node,
              size_t series);

  /// A record at `ts` with samples at `sampled` (default: the same time).
  void write(timestamp_ms ts, std::optional<timestamp_ms> sampled = std::nullopt);
  void begin_segment();
  std::string series(size_t i) const { return table_->series[i].to_string(); }
  /// Everything that was written.
  const sample_map& written() const { return written_; }

 private:
  support::sim_kafka& to_;
  const std::string topic_;
  const uint32_t partition_;
  topics::record_writer writer_;
  series_table_ptr table_;
  int64_t key_offset_ = -1;
  sample_map written_;
};

class receiver {
 public:
  struct given {
    remote::write_protocol protocol;
    int64_t at_ns = 0;
    uint64_t samples = 0;
  };

  explicit receiver(manual_clock& clk) : clock_(clk) {}

  /// Remembers what it takes. Of version 2.0 it says how much that was.
  http::fetch_result write(remote::write_protocol protocol, const std::string& body);

  /// Instead of taking the request, from 0: absent takes it.
  std::function<std::optional<http::fetch_result>(uint64_t request, remote::write_protocol)> fail;
  bool counts = true;  ///< tells what it has written
  int64_t takes_ms = 1;

  sample_map got;
  uint64_t doubled = 0;
  std::vector<given> requests;  ///< that were taken
  std::vector<timestamp_ms> first_times;
  size_t histograms = 0;

 private:
  manual_clock& clock_;
  uint64_t asked_ = 0;
};

http::fetch_result answer(int code, std::string body = "", http::headers fields = {});

struct replay_kit {
  replay_kit();

  replay_report run(places done = {});
  /// What `written` holds of [from, to).
  static sample_map within(const sample_map& written, timestamp_ms from, timestamp_ms to);

  manual_clock clk{hour_zero};
  support::sim_kafka kafka;
  receiver to{clk};
  replay_options options;
  places kept;  ///< by the last run
  std::function<bool()> stopped = [] { return false; };
  std::function<void()> while_waiting = [] {};
  std::function<void(const places&)> on_keep = [](const places&) {};
};

}  // namespace troupe::replay
