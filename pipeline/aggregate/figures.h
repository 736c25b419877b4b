// The metrics of one rule: troupe_stream_aggregation_*{rule}.
#pragma once

#include "pipeline/aggregate/aggregator.h"
#include "storage/base/stats.h"

#include <string>

namespace troupe::aggregate {

class rule_figures {
 public:
  rule_figures(registry& metrics, const std::string& rule);

  /// What the rule has counted since the last call.
  void publish(const aggregator& a);
  /// The rule is gone, or its aggregator is another one.
  void reset();

  counter& forced;           ///< intervals closed before all their senders were heard
  counter& refused_outputs;  ///< by storage
  gauge& lag_seconds;        ///< of the newest closed step behind the clock

 private:
  counter &samples_, &late_, &duplicates_, &outputs_, &intervals_;
  gauge &inputs_, &groups_, &waiting_;
  aggregator_counts published_;
};

}  // namespace troupe::aggregate
