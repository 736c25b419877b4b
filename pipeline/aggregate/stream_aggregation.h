// All rules of stream_aggregation over a node's log: reads what was written, closes intervals when
// their samples are there, gives batches of outputs to be stored, and keeps enough on disk to go on
// at the exact sample. Plain class behind the aggregate actor; one owner; times are passed in.
//
// A decision to close is durable before its outputs leave, and outputs are a function of the log
// and the decisions. So whatever dies when: after a restart the same outputs come for the same
// times, those that were stored already among them.
#pragma once

#include "config/aggregation_config.h"
#include "pipeline/aggregate/aggregator.h"
#include "pipeline/aggregate/figures.h"
#include "pipeline/aggregate/journal.h"
#include "pipeline/aggregate/log_follower.h"
#include "storage/base/file_system.h"
#include "storage/base/stats.h"
#include "storage/model/batch.h"

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe::aggregate {

struct aggregation_environment {
  storage::log_door* log = nullptr;
  file_system* files = nullptr;
  registry* metrics = nullptr;
  std::string folder;  ///< of the state; made if it is missing
};

struct aggregation_options {
  /// After a start, intervals that ended before it wait at most so long for their samples.
  int64_t catch_up_wait_ms = 300'000;
  /// The state is written anew when the last is so old, or so much of the log lies behind it.
  int64_t snapshot_every_ms = 300'000;
  uint64_t snapshot_log_bytes = 256ULL << 20;
};

class stream_aggregation {
 public:
  stream_aggregation(aggregation_options options, aggregation_environment env);
  ~stream_aggregation();

  /// Takes the rules of a configuration; one whose definition is the same goes on.
  void apply(std::vector<config::aggregation_config> rules);
  /// Reads on and closes what is due. `complete_until`: all samples up to this time are in the log
  /// when this is called, as far as known. True: there is more to read now.
  bool step(timestamp_ms now, timestamp_ms complete_until);
  /// Batches of outputs to be stored, each until its answer comes.
  std::vector<batch_ptr> take();
  /// `again`: it could not be stored now. `refused`: samples that never will be.
  void stored(const batch_ptr& batch, bool again, uint64_t refused);
  /// There are no rules.
  bool empty() const { return conf_.empty(); }
  /// Writes the state, if nothing waits to be stored, so that less is read after the next start.
  void flush(timestamp_ms now);

  /// Hash of the outputs' batches: they are no inputs.
  static uint64_t batch_group();

 private:
  struct active_rule;
  /// An input of a rule.
  struct target {
    active_rule* rule = nullptr;
    uint32_t input = aggregator::no_input;
  };
  /// A series that some rule matches.
  struct entry {
    labels series;
    std::vector<target> targets;
  };
  /// What a series number of a log reader means.
  struct known {
    labels series;
    entry* matched = nullptr;  ///< null: no rule wants it
  };
  /// A sample read ahead of the decision that is to be made again.
  struct early {
    entry* series;
    send::place at;
    uint16_t slot;
    sample value;
  };
  struct pending {
    batch_ptr batch;
    active_rule* rule;  ///< null: it is gone
    bool under_way = false;
  };

  status begin(timestamp_ms now);
  status restore(timestamp_ms now, journal_contents had);
  void set_rules(timestamp_ms now, const std::vector<rule_state>& had);
  void forget();
  void take_batch(uint32_t shard, const storage::wal_batch& batch);
  entry* find(uint32_t shard, const storage::wal_batch& batch, uint32_t series);
  static void add(entry& e, const sample& s);
  void replay(bool at_end);
  void close(active_rule& r, timestamp_ms up_to);
  void close_due(timestamp_ms now, timestamp_ms complete_until);
  timestamp_ms due_until(const active_rule& r, timestamp_ms now, timestamp_ms complete_until) const;
  std::vector<send::advance> moved() const;
  void keep_state(timestamp_ms now);
  status write_snapshot(timestamp_ms now);
  void forget_entries();
  void publish(timestamp_ms now);
  void note_error(const std::string& what, const status& s);

  const aggregation_options options_;
  aggregation_environment env_;
  journal journal_;
  std::vector<config::aggregation_config> conf_;
  bool changed_ = false;   ///< conf_ is not in force yet
  bool first_ = true;      ///< no configuration was in force before
  bool restored_ = false;  ///< what the last run left was looked at
  timestamp_ms started_ = min_time;
  timestamp_ms next_begin_ = min_time;
  std::unique_ptr<log_follower> log_;  ///< null: not begun
  std::vector<std::unique_ptr<active_rule>> rules_;
  std::vector<std::vector<known>> known_;                      ///< by shard and series number
  std::unordered_map<labels, entry*, labels_hash> by_series_;  ///< of those matched
  std::list<entry> entries_;
  std::deque<decision> decisions_;  ///< to be made again
  send::places cut_{};              ///< of the first of them, or of the last one made
  std::vector<early> early_;
  std::list<pending> pending_;
  timestamp_ms snapshot_at_ = min_time;
  bool snapshot_due_ = false;
  std::string last_error_;
  counter& errors_;
  counter& damaged_;
  gauge& held_log_;
  std::vector<storage::log_segment> held_;  ///< by shard
  uint64_t held_bytes_ = 0;
  timestamp_ms next_upkeep_ = min_time;
  uint64_t published_damage_ = 0;
};

}  // namespace troupe::aggregate
