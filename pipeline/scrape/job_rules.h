// What all targets of a job share: its configuration and compiled metric relabelling, and how
// exposed labels become those of a stored series. Immutable; any thread (with a builder per
// caller).
#pragma once

#include "config/scrape_config.h"
#include "pipeline/relabel/relabel.h"
#include "storage/base/result.h"
#include "storage/model/labels.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace troupe::scrape {

struct job_rules {
  std::shared_ptr<const config::scrape_config> config;
  relabel::rules metric_rules;
  std::string accept;  ///< the Accept header
  uint64_t body_limit = 0;
  int32_t max_schema = 8;  ///< of native histograms, by native_histogram_min_bucket_factor

  /// invalid_argument if a metric relabelling rule does not compile. `default_body_limit` acts
  /// where the job sets none.
  static result<std::shared_ptr<const job_rules>> create(
      std::shared_ptr<const config::scrape_config> config, uint64_t default_body_limit);
};

/// Exposed labels in `b`, final labels out: target labels by honor_labels, metric relabelling, then
/// Prometheus' checks. Nothing if relabelling drops the series; invalid_argument (which fails the
/// scrape) for a missing or invalid name and for broken label limits. `empty_names` are labels
/// exposed with an empty value.
result<std::optional<labels>> final_labels(const job_rules& job, const labels& target_labels,
                                           const std::vector<std::string>& empty_names,
                                           labels_builder& b);

/// Labels of an automatic series (`up`, …) of a target.
labels report_labels(std::string_view name, const labels& target_labels);

/// True if a scrape's lines give the same series under both configurations, so that what is known
/// of them stays valid.
bool same_series(const config::scrape_config& a, const config::scrape_config& b);

}  // namespace troupe::scrape
