// OpenMetrics 1.0 text, as Prometheus 3 reads it: `# EOF` is mandatory, timestamps are seconds,
// samples may carry an exemplar. See exposition.h for the cursor.
#pragma once

#include "pipeline/parse/exposition.h"

namespace troupe::parse {

class openmetrics_parser final : public exposition_parser {
 public:
  static constexpr exposition_format format = exposition_format::openmetrics;
  explicit openmetrics_parser(std::string_view body) : exposition_parser(body) {}

  /// Reads one entry. After `error` or `end` it must not be called again.
  entry next();

  /// As text_parser::take_known; the line may carry a timestamp and an exemplar.
  bool take_known(size_t length);
  /// OpenMetrics has no blank lines.
  void skip_blanks() {}

  /// True for the `_created` line of a counter, histogram or summary family: its value is the start
  /// of the family's other series, in seconds. Only after next() gave a series.
  bool is_created();
  /// The series that share a start time share this key (family and labels without le/quantile); 0
  /// if the last series belongs to no family that has one. Only after next() gave a series.
  uint64_t start_key();

 private:
  entry read_hash_line();
  entry read_metadata(const char* p, entry kind);
  entry read_series();
  /// From behind the series text to behind the line break: the slow way that says what is wrong.
  entry read_tail(const char* p);
  entry read_exemplar(const char* p);
  bool read_seconds(const char*& p, timestamp_ms& out);
  /// What the series' name has behind that of the last TYPE's family; "-" if it is none of it.
  std::string_view suffix();
};

/// Seconds to milliseconds, truncated as Prometheus does; false for NaN and what does not fit.
bool seconds_to_ms(double seconds, timestamp_ms& out);

inline bool openmetrics_parser::take_known(size_t length) {
  const char* p = pos_ + length;
  if (p == end_ || *p != ' ')
    return false;
  const char* q = scan_float(p + 1, end_, value_);
  if (q == nullptr || q == end_)
    return false;
  if (*q == '\n') {
    has_ts_ = has_exemplar_ = false;
    line_ = pos_;
    series_ = {pos_, length};
    pos_ = q + 1;
    return true;
  }
  const char* start = pos_;
  line_ = pos_;
  if (read_tail(p) != entry::series) {
    pos_ = start;
    return false;
  }
  series_ = {start, length};
  return true;
}

}  // namespace troupe::parse
