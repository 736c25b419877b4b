// What leaves of a series: selectors, external labels, then write_relabel_configs, once per series
// of a log reader. One owner.
#pragma once

#include "pipeline/relabel/relabel.h"
#include "storage/log_door.h"
#include "storage/model/labels.h"
#include "storage/model/matcher.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::send {

/// Shared by the filters of a destination. Immutable.
struct series_rules {
  std::vector<matchers> selectors;  ///< one of them holds for a series that is kept; none: all are
  relabel::rules relabelling;
  std::map<std::string, std::string> external_labels;  ///< a series' own labels win

  bool keeps_all_as_is() const {
    return selectors.empty() && relabelling.empty() && external_labels.empty();
  }
  /// Empty if it is dropped.
  labels apply(const labels& in) const;
};
using series_rules_ptr = std::shared_ptr<const series_rules>;

class series_filter {
 public:
  explicit series_filter(series_rules_ptr rules) : rules_(std::move(rules)) {}

  /// Of series `id` of the batch's dictionary; empty if it is dropped. Valid until the next call.
  const labels& operator()(const storage::wal_batch& batch, uint32_t id);

 private:
  struct known {
    labels from, to;
  };
  series_rules_ptr rules_;
  std::vector<known> known_;  ///< by id, which may come to mean another series
};

}  // namespace troupe::send
