// Series as VictoriaMetrics' JSON lines, a piece at a time. One owner.
#pragma once

#include "storage/querier.h"

#include <memory>
#include <string>
#include <vector>

namespace troupe::jsonlines {

struct export_request {
  std::vector<matchers> selectors;  ///< a series is exported if one matches
  timestamp_ms start = 0, end = 0;
  size_t max_rows_per_line = 0;  ///< 0: by pieces of time
};

/// Values are exact; stale markers are null, other NaN "NaN". Native histograms have no form there
/// and are left out.
class exporter {
 public:
  /// unavailable while the storage starts.
  static result<std::unique_ptr<exporter>> open(storage::queryable& data, export_request request);
  /// Appends some lines; false after the last. An error is a line of its own, {"error":…}: the
  /// answer has begun by then.
  bool next(std::string& out);
  /// Why it ended early; ok if it did not.
  const status& error() const { return error_; }

 private:
  exporter(std::unique_ptr<storage::querier> from, export_request request)
      : querier_(std::move(from)), request_(std::move(request)) {}
  bool next_series();
  bool end(std::string& out) const;
  bool was_exported(const labels& series) const;
  void append_lines(std::string& out) const;
  void append_line(std::string& out, size_t from, size_t to) const;

  std::unique_ptr<storage::querier> querier_;
  export_request request_;
  size_t selector_ = 0;
  std::unique_ptr<storage::series_set> set_;
  std::string metric_;   ///< the series as a JSON object
  timestamp_ms at_ = 0;  ///< what is before was exported of the series
  bool in_series_ = false;
  storage::sample_columns columns_;
  status error_;
};

}  // namespace troupe::jsonlines
