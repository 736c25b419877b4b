// Metrics of a rule group, under Prometheus' names as well. One owner each; the registry outlives
// them.
#pragma once

#include "pipeline/rules/group_runner.h"
#include "storage/base/stats.h"

#include <cstdint>
#include <string>

namespace troupe::rules {

class group_metrics {
 public:
  group_metrics(registry& r, const std::string& key);

  void defined(const group_definition& d);
  void evaluated(const group_runner& g);
  /// The group is no more: its gauges go to 0.
  void gone();

 private:
  bucket_histogram &group_duration_, &rule_duration_;
  counter &iterations_, &missed_, &evaluations_, &failures_, &caught_up_, &shared_, &incomplete_;
  gauge &interval_, &rules_, &last_time_, &last_duration_, &last_sum_, &last_samples_, &backlog_,
      &shared_bytes_;
  /// What the counters have of the group; it counts from 0 when it is replaced.
  uint64_t seen_evaluations_ = 0, seen_failures_ = 0, seen_caught_up_ = 0, seen_missed_ = 0,
           seen_shared_ = 0, seen_incomplete_ = 0;
};

}  // namespace troupe::rules
