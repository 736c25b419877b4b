// One rule at work: takes the samples of the series it matches, gives the outputs of each interval
// when it is closed. What is closed when, the owner decides; apart from that the outputs depend on
// which samples came, not on their order. One owner, no clock.
//
// An interval is (end - length, end]. It is closed step by step: samples of a step wait, by series,
// until the step is closed; then they are taken in, series by series in the order of their hashes
// and each in the order of time. A sample that comes twice counts once, of two values for one time
// the one counts that storage keeps.
#pragma once

#include "pipeline/aggregate/group.h"
#include "pipeline/aggregate/rule.h"
#include "storage/base/coding.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::aggregate {

struct labels_hash {
  size_t operator()(const labels& l) const { return static_cast<size_t>(l.hash()); }
};

/// What a rule has seen since the start.
struct aggregator_counts {
  uint64_t samples = 0;     ///< taken, those that come twice included
  uint64_t late = 0;        ///< came after their step was closed
  uint64_t duplicates = 0;  ///< of a time that the series had already, or by dedup_interval
  uint64_t outputs = 0;
  uint64_t intervals = 0;  ///< closed
};

class aggregator {
 public:
  static constexpr uint32_t no_input = UINT32_MAX;

  /// The first interval with outputs is the first that begins at or after `begun`.
  aggregator(rule_ptr r, timestamp_ms begun);

  /// A sample of a series that the rule matches; `series` is packed. `input`: what the last call
  /// for this series gave, or no_input. NaN, stale markers among them, count for nothing.
  uint32_t add(uint32_t input, const labels& series, timestamp_ms ts, double value);

  /// Everything up to here is closed.
  timestamp_ms closed() const { return closed_; }
  struct interval {
    timestamp_ms end = 0;
    std::vector<output_sample> outputs;
  };
  /// Closes the next step. The interval that it ends, if it has outputs.
  std::optional<interval> close_step();

  const aggregator_counts& counts() const { return counts_; }
  size_t inputs() const { return by_series_.size(); }
  size_t groups() const { return by_key_.size(); }
  /// Samples that wait for their step.
  size_t waiting() const { return waiting_; }

  void encode(std::string& out) const;
  /// corruption if the bytes are none.
  static result<std::unique_ptr<aggregator>> decode(rule_ptr r, std::string_view bytes);

 private:
  /// A series that the rule matches.
  struct input {
    labels series;  ///< empty: free
    uint32_t group = 0;
    bool known = false;  ///< there was a sample
    timestamp_ms last_ts = min_time;
    double last = 0;
    timestamp_ms interval = min_time;   ///< the end of the last one with samples
    timestamp_ms rate_from = min_time;  ///< where the increase of that one begins
    double increase = 0;
    std::vector<sample> waiting;
  };
  using index = std::unordered_map<labels, uint32_t, labels_hash>;

  uint32_t find_or_make(const labels& series);
  uint32_t group_for(const labels& key);
  timestamp_ms interval_end(timestamp_ms ts) const;
  void put_in_order();
  void close_input(input& in, timestamp_ms end);
  void take_in(input& in, const sample& s);
  void add_rates(timestamp_ms end);
  void forget_stale(timestamp_ms end);
  void forget_input(uint32_t i);

  const rule_ptr rule_;
  const timestamp_ms begun_;
  timestamp_ms closed_;
  timestamp_ms first_end_;  ///< of the first interval with outputs
  std::vector<input> inputs_;
  std::vector<uint32_t> free_inputs_;
  std::vector<uint32_t> order_;  ///< inputs by hash; the last new_ are not in order yet
  size_t new_ = 0;
  index by_series_;
  std::vector<std::unique_ptr<group>> groups_;  ///< null: free
  std::vector<uint32_t> free_groups_;
  index by_key_;
  size_t waiting_ = 0;
  timestamp_ms next_stale_ = max_time;  ///< nothing is forgotten before
  aggregator_counts counts_;
};

}  // namespace troupe::aggregate
