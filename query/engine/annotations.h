// Warnings and infos a query collects, with Prometheus' texts. Each text is kept once, with the
// position it was last seen at. Owned by one query.
#pragma once

#include "query/parser/ast.h"
#include "storage/model/sample.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::query {

/// Go's %g with the shortest digits, "1e+06": what Prometheus prints in annotations.
std::string format_go_g(double v);
/// Line and column (bytes, from 1) of an offset: "1:6".
std::string format_position(std::string_view text, uint32_t offset);

class annotations {
 public:
  /// `text` without "PromQL warning: " and position.
  void warn(std::string_view text, position_range pos) { add(true, text, pos); }
  void info(std::string_view text, position_range pos) { add(false, text, pos); }
  /// histogram_quantile had to repair buckets; repeated ones widen the same note.
  void forced_monotonicity(std::string_view metric_name, position_range pos, timestamp_ms ts,
                           double min_bucket, double max_bucket, double max_diff);
  bool empty() const { return entries_.empty() && forced_.empty(); }

  /// Full texts, sorted; `query` gives the positions.
  std::vector<std::string> warnings(std::string_view query) const;
  std::vector<std::string> infos(std::string_view query) const;

 private:
  struct forced_note {
    position_range pos;
    timestamp_ms min_ts = 0;
    timestamp_ms max_ts = 0;
    double min_bucket = 0;
    double max_bucket = 0;
    double max_diff = 0;
    uint64_t count = 0;
  };
  void add(bool warning, std::string_view text, position_range pos);

  std::map<std::pair<bool, std::string>, position_range, std::less<>> entries_;
  std::map<std::string, forced_note, std::less<>> forced_;
};

/// The texts, one function per kind. `metric_name` may be empty where said "for metric name".
namespace note {
std::string invalid_quantile(double q);
std::string invalid_ratio(double r, double capped_to);
std::string bad_bucket_label(std::string_view metric_name, std::string_view le);
std::string mixed_floats_histograms(std::string_view metric_name);
std::string mixed_floats_histograms_in_aggregation();
std::string mixed_classic_native(std::string_view metric_name);
std::string histogram_not_counter(std::string_view metric_name);
std::string histogram_not_gauge(std::string_view metric_name);
std::string mixed_exponential_custom(std::string_view metric_name);
std::string incompatible_bucket_layout(std::string_view op);
std::string counter_reset_collision(std::string_view operation);
std::string start_time_overlap(std::string_view metric_name);
std::string possible_non_counter(std::string_view metric_name);
std::string possible_non_counter_label(std::string_view metric_name, std::string_view type_label);
std::string incompatible_types(std::string_view lhs, std::string_view op, std::string_view rhs);
std::string histogram_ignored_in_aggregation(std::string_view aggregation);
std::string histogram_ignored_in_mixed_range(std::string_view metric_name);
std::string quantile_nan_result(std::string_view metric_name);
std::string quantile_nan_skew(std::string_view metric_name);
std::string fraction_nan(std::string_view metric_name);
std::string mismatched_custom_buckets(std::string_view operation);
std::string sort_ineffective();
}  // namespace note

}  // namespace troupe::query
