// A rule of stream_aggregation, ready to be applied: which series it takes, which group a series
// belongs to, how its outputs are named. Immutable, any thread.
#pragma once

#include "config/aggregation_config.h"
#include "config/aggregation_output.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"
#include "storage/model/matcher.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::aggregate {

using function = config::aggregation_function;

class rule {
 public:
  /// invalid_argument if the configuration does not hold.
  static result<std::shared_ptr<const rule>> make(const config::aggregation_config& c);

  const std::string& name() const { return config_.name; }
  const std::vector<config::aggregation_output>& outputs() const { return outputs_; }
  bool has(function f) const { return (functions_ >> static_cast<unsigned>(f) & 1) != 0; }
  /// An output that follows each series as a counter.
  bool counts_increases() const;
  bool has_rates() const { return has(function::rate_avg) || has(function::rate_sum); }
  int64_t interval_ms() const { return config_.interval_ms; }
  /// An interval is computed in steps of this: what is older than the last step needs no samples.
  int64_t step_ms() const { return step_ms_; }
  int64_t dedup_interval_ms() const { return config_.dedup_interval_ms; }
  int64_t staleness_ms() const { return staleness_ms_; }
  int64_t ignore_first_sample_ms() const { return ignore_first_sample_ms_; }
  int64_t max_wait_ms() const { return config_.max_wait_ms; }
  bool keeps_input() const { return config_.keep_input; }
  const std::vector<matchers>& selectors() const { return match_; }
  /// A regular expression that the names of all outputs match.
  std::string output_name_pattern() const;
  /// What the state of the rule depends on: a changed rule begins anew.
  uint64_t fingerprint() const { return fingerprint_; }

  bool matches(const labels& series) const;
  /// Packed; with the name of the metric.
  labels group_of(const labels& series) const;
  /// Packed. `label` (with `value`) distinguishes the series of quantiles and histogram_bucket.
  labels output_of(const labels& group, function f, std::string_view label = {},
                   std::string_view value = {}) const;

 private:
  explicit rule(const config::aggregation_config& c) : config_(c) {}

  const config::aggregation_config config_;
  std::vector<matchers> match_;
  std::vector<config::aggregation_output> outputs_;
  uint32_t functions_ = 0;                 ///< of the outputs, as bits
  std::vector<std::string> by_, without_;  ///< sorted, unique
  int64_t step_ms_ = 0, staleness_ms_ = 0, ignore_first_sample_ms_ = 0;
  std::string suffix_;  ///< ":1m_by_job_"
  uint64_t fingerprint_ = 0;
};
using rule_ptr = std::shared_ptr<const rule>;

}  // namespace troupe::aggregate
