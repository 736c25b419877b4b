#include "query/engine/annotations.h"

#include "storage/base/civil_time.h"
#include "storage/base/quote.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace troupe::query {
namespace {

constexpr std::string_view warning_prefix = "PromQL warning: ";
constexpr std::string_view info_prefix = "PromQL info: ";

std::string with_name(std::string text, std::string_view metric_name) {
  if (!metric_name.empty())
    text += " for metric name " + quoted(metric_name);
  return text;
}

}  // namespace

std::string format_go_g(double v) {
  if (std::isnan(v))
    return "NaN";
  if (std::isinf(v))
    return v > 0 ? "+Inf" : "-Inf";
  char buf[40];
  int precision = 1;
  for (; precision < 17; ++precision) {
    std::snprintf(buf, sizeof buf, "%.*e", precision - 1, v);
    if (std::strtod(buf, nullptr) == v)
      break;
  }
  std::snprintf(buf, sizeof buf, "%.*e", precision - 1, v);
  // Go's %g with the shortest digits turns to an exponent below 1e-4 and from 1e6 on.
  const std::string scientific = buf;
  const int exponent = std::atoi(scientific.c_str() + scientific.find('e') + 1);
  if (exponent < -4 || exponent >= 6)
    return scientific;
  std::snprintf(buf, sizeof buf, "%.*f", std::max(0, precision - 1 - exponent), v);
  return buf;
}

std::string format_position(std::string_view text, uint32_t offset) {
  uint32_t line = 1;
  uint32_t line_start = 0;
  const uint32_t end = std::min<uint32_t>(offset, static_cast<uint32_t>(text.size()));
  for (uint32_t i = 0; i < end; ++i) {
    if (text[i] == '\n') {
      ++line;
      line_start = i + 1;
    }
  }
  return std::to_string(line) + ":" + std::to_string(offset - line_start + 1);
}

void annotations::add(bool warning, std::string_view text, position_range pos) {
  entries_[{warning, std::string(text)}] = pos;
}

void annotations::forced_monotonicity(std::string_view metric_name, position_range pos,
                                      timestamp_ms ts, double min_bucket, double max_bucket,
                                      double max_diff) {
  auto it = forced_.find(metric_name);
  if (it == forced_.end()) {
    forced_.emplace(metric_name, forced_note{pos, ts, ts, min_bucket, max_bucket, max_diff, 1});
    return;
  }
  forced_note& f = it->second;
  f.pos = pos;
  f.min_ts = std::min(f.min_ts, ts);
  f.max_ts = std::max(f.max_ts, ts);
  f.min_bucket = std::min(f.min_bucket, min_bucket);
  f.max_bucket = std::max(f.max_bucket, max_bucket);
  f.max_diff = std::max(f.max_diff, max_diff);
  ++f.count;
}

std::vector<std::string> annotations::warnings(std::string_view query) const {
  std::vector<std::string> out;
  for (const auto& [key, pos] : entries_)
    if (key.first)
      out.push_back(std::string(warning_prefix) + key.second + " (" +
                    format_position(query, pos.start) + ")");
  return out;
}

std::vector<std::string> annotations::infos(std::string_view query) const {
  std::vector<std::string> out;
  for (const auto& [key, pos] : entries_)
    if (!key.first)
      out.push_back(std::string(info_prefix) + key.second + " (" +
                    format_position(query, pos.start) + ")");
  for (const auto& [name, f] : forced_) {
    char diff[40];
    std::snprintf(diff, sizeof diff, "%.2g", f.max_diff);
    out.push_back(
        std::string(info_prefix) +
        with_name("input to histogram_quantile needed to be fixed for monotonicity (see "
                  "https://prometheus.io/docs/prometheus/latest/querying/functions/"
                  "#histogram_quantile)",
                  name) +
        ", from buckets " + format_go_g(f.min_bucket) + " to " + format_go_g(f.max_bucket) +
        ", with a max diff of " + diff + ", over " + std::to_string(f.count) + " samples from " +
        format_rfc3339_seconds(f.min_ts / 1000) + " to " + format_rfc3339_seconds(f.max_ts / 1000) +
        " (" + format_position(query, f.pos.start) + ")");
  }
  std::sort(out.begin(), out.end());
  return out;
}

namespace note {

std::string invalid_quantile(double q) {
  return "quantile value should be between 0 and 1, got " + format_go_g(q);
}
std::string invalid_ratio(double r, double capped_to) {
  return "ratio value should be between -1 and 1, got " + format_go_g(r) + ", capping to " +
         format_go_g(capped_to);
}
std::string bad_bucket_label(std::string_view metric_name, std::string_view le) {
  return with_name("bucket label \"le\" is missing or has a malformed value of " + quoted(le),
                   metric_name);
}
std::string mixed_floats_histograms(std::string_view metric_name) {
  return "encountered a mix of histograms and floats for metric name " + quoted(metric_name);
}
std::string mixed_floats_histograms_in_aggregation() {
  return "encountered a mix of histograms and floats for aggregation";
}
std::string mixed_classic_native(std::string_view metric_name) {
  return with_name("vector contains a mix of classic and native histograms", metric_name);
}
std::string histogram_not_counter(std::string_view metric_name) {
  return "this native histogram metric is not a counter: " + quoted(metric_name);
}
std::string histogram_not_gauge(std::string_view metric_name) {
  return "this native histogram metric is not a gauge: " + quoted(metric_name);
}
std::string mixed_exponential_custom(std::string_view metric_name) {
  return "vector contains a mix of histograms with exponential and custom buckets schemas for "
         "metric name " +
         quoted(metric_name);
}
std::string incompatible_bucket_layout(std::string_view op) {
  return "incompatible bucket layout encountered for binary operator " + std::string(op);
}
std::string counter_reset_collision(std::string_view operation) {
  return "conflicting counter resets during histogram " + std::string(operation);
}
std::string start_time_overlap(std::string_view metric_name) {
  return "sample has start time that overlaps with previous sample timestamp for metric " +
         quoted(metric_name);
}
std::string possible_non_counter(std::string_view metric_name) {
  return "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: " +
         quoted(metric_name);
}
std::string possible_non_counter_label(std::string_view metric_name, std::string_view type_label) {
  return "metric might not be a counter, __type__ label is not set to \"counter\" or "
         "\"histogram\", got " +
         quoted(type_label) + ": " + quoted(metric_name);
}
std::string incompatible_types(std::string_view lhs, std::string_view op, std::string_view rhs) {
  return "incompatible sample types encountered for binary operator " + quoted(op) + ": " +
         std::string(lhs) + " " + std::string(op) + " " + std::string(rhs);
}
std::string histogram_ignored_in_aggregation(std::string_view aggregation) {
  return "ignored histogram in " + std::string(aggregation) + " aggregation";
}
std::string histogram_ignored_in_mixed_range(std::string_view metric_name) {
  return "ignored histograms in a range containing both floats and histograms for metric name " +
         quoted(metric_name);
}
std::string quantile_nan_result(std::string_view metric_name) {
  return with_name("input to histogram_quantile has NaN observations, result is NaN", metric_name);
}
std::string quantile_nan_skew(std::string_view metric_name) {
  return with_name("input to histogram_quantile has NaN observations, result is skewed higher",
                   metric_name);
}
std::string fraction_nan(std::string_view metric_name) {
  return with_name(
      "input to histogram_fraction has NaN observations, which are excluded from all fractions",
      metric_name);
}
std::string mismatched_custom_buckets(std::string_view operation) {
  return "mismatched custom buckets were reconciled during " + std::string(operation);
}
std::string sort_ineffective() {
  return "sort is ineffective for range queries since results are always ordered by labels";
}

}  // namespace note
}  // namespace troupe::query
