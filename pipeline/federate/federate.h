// /federate: the newest sample of every selected series as text exposition, grouped by metric. Streams: one metric at a
// time is in memory. Plain class, one owner.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/querier.h"

namespace troupe::federate {

struct federate_request {
  std::vector<matchers> selectors;
  timestamp_ms now = 0;
  int64_t lookback_ms = 300'000;
  std::map<std::string, std::string> external_labels;
};

/// Opens the view and collects the newest samples; errors are the storage's. Series with a stale marker as the newest
/// value, and histograms (no text form), are left out. Metadata gives the TYPE lines; unknown is "untyped".
class federation {
 public:
  static result<std::unique_ptr<federation>> open(storage::queryable& data, const federate_request& request);
  /// Appends one more metric's lines; false after the last.
  bool next(std::string& out);
  /// Memory that the samples take, about.
  uint64_t bytes() const { return bytes_; }

 private:
  struct line {
    labels series;
    double value;
    timestamp_ms ts;
  };
  void append_line(std::string& out, const line& l) const;

  std::map<std::string, std::vector<line>> by_metric_;
  uint64_t bytes_ = 0;
  std::map<std::string, std::string> external_labels_;
  std::map<std::string, metric_type> types_;
};

}  // namespace troupe::federate
