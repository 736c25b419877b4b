// What is known of one group of series: the values of the interval that is open, and those that go
// on between intervals. One owner.
#pragma once

#include "pipeline/aggregate/rule.h"
#include "pipeline/aggregate/value_sets.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::aggregate {

/// An output's value, at the end of its interval.
struct output_sample {
  labels series;
  double value = 0;
};

class group {
 public:
  group(const rule& r, labels key);

  const labels& key() const { return key_; }
  timestamp_ms last_ts() const { return last_ts_; }
  /// There were samples in the interval.
  bool has_values() const { return open_.count != 0; }

  /// A sample of a member. `key`: tells it from all others.
  void add(const rule& r, uint64_t key, timestamp_ms ts, double value);
  /// The member has its first sample in this interval.
  void add_series() { ++open_.series; }
  /// A counter went up since the sample before; `first`: there was none, and it began at 0.
  void add_increase(double delta, bool first);
  /// A counter's increase a second over the interval.
  void add_rate(double per_second);

  /// The values of the interval, which ends.
  void append_outputs(const rule& r, std::vector<output_sample>& out);
  void end_interval();
  /// Nothing goes on from before.
  void begin_anew();

  void encode(std::string& out) const;
  /// Into a fresh group; fails the reader if the bytes are none.
  void decode(byte_reader& in);

  uint32_t members = 0;  ///< inputs that refer to this

 private:
  /// What ends with the interval.
  struct values {
    uint64_t count = 0, series = 0, rates = 0;
    double sum = 0, min = 0, max = 0, last = 0;
    timestamp_ms last_ts = min_time;
    double mean = 0, squares = 0;  ///< of the differences from the mean
    double increase = 0, increase_prometheus = 0, rate = 0;
  };
  /// Only of rules that ask for them.
  struct sets {
    value_sample values;
    distinct_values distinct;
    range_histogram ranges;  ///< goes on between intervals
  };

  double value_of(function f) const;

  labels key_;
  std::vector<labels> names_;  ///< by output; empty where there are several series
  values open_;
  double total_ = 0, total_prometheus_ = 0;
  timestamp_ms last_ts_ = min_time;
  std::unique_ptr<sets> sets_;
};

}  // namespace troupe::aggregate
