// /federate: the newest sample of every selected series as text exposition, grouped by metric.
// Streams: one metric at a time is in memory. Plain class, one owner.
#pragma once

#include "storage/querier.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::federate {

struct federate_request {
  std::vector<matchers> selectors;
  timestamp_ms now = 0;
  int64_t lookback_ms = 300'000;
  std::map<std::string, std::string> external_labels;
  /// Names beyond [a-zA-Z0-9_:] as they are, in quotes; else with '_' for what older servers do not
  /// read.
  bool utf8_names = false;
};

/// Opens the view and collects the newest samples; errors are the storage's. Series with a stale
/// marker as the newest value, histograms (no text form) and series without a name are left out.
/// Metadata gives the TYPE lines; unknown is "untyped".
class federation {
 public:
  static result<std::unique_ptr<federation>> open(storage::queryable& data,
                                                  const federate_request& request);
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
  std::string written(std::string_view name, bool metric) const;
  void append_line(std::string& out, std::string_view name, const line& l) const;

  std::map<std::string, std::vector<line>> by_metric_;
  uint64_t bytes_ = 0;
  std::map<std::string, std::string> external_labels_;
  std::map<std::string, metric_type> types_;  ///< by written name
  bool utf8_names_ = false;
};

}  // namespace troupe::federate
