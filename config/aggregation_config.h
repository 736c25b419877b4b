// A rule of stream_aggregation: what comes of samples as they arrive. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::config {

struct aggregation_config {
  std::string name;                ///< unique; labels the rule's metrics
  std::vector<std::string> match;  ///< selectors; a series that one of them selects
  int64_t interval_ms = 0;
  std::vector<std::string> by, without;  ///< not both; neither: every series is a group
  std::vector<std::string> outputs;      ///< as parse_aggregation_output() reads them
  bool keep_input = true;                ///< false: the input series are not kept in blocks
  bool keep_metric_names = false;        ///< outputs are named as their input; one output only
  /// Of a series only the last sample in each such time counts; 0: all do.
  int64_t dedup_interval_ms = 0;
  /// What is known of a series that had no sample for so long is forgotten; 0: twice the interval.
  int64_t staleness_interval_ms = 0;
  /// So long after the rule came, a new series' first sample counts as no increase; unset: the
  /// staleness interval.
  int64_t ignore_first_sample_interval_ms = -1;
  /// How long after its end an interval waits at most for its samples.
  int64_t max_wait_ms = 15'000;

  bool operator==(const aggregation_config&) const = default;
};

}  // namespace troupe::config
