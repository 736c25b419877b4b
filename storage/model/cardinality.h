// What is told of the number of series: budgets and who uses them up, and what makes the number
// grow. Plain data.
#pragma once

#include "storage/model/labels.h"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// A budget of series and its groups.
struct budget_state {
  struct group {
    std::string tenant;
    labels values;         ///< of the budget's labels
    uint64_t series = 0;   ///< that get samples
    uint64_t refused = 0;  ///< times that a new one was refused
  };
  std::string name;
  std::vector<std::string> by;
  uint64_t limit = 0;  ///< of each group
  uint64_t group_count = 0;
  uint64_t refused = 0;       ///< of all groups
  std::vector<group> groups;  ///< those with most refusals, then most series
};

/// What series that were new had in common, within about the span of a window.
struct growth_window {
  struct entry {
    labels of;             ///< what they share
    uint64_t created = 0;  ///< so many at least, at most `missed` more
    uint64_t active = 0;   ///< that have it now
  };
  struct list {
    std::vector<entry> top;  ///< most created first
    uint64_t missed = 0;     ///< and nothing that is not listed has more
  };
  /// A label of the new series of a metric.
  struct label_entry {
    std::string metric;  ///< "": of all metrics
    std::string label;
    std::string example;   ///< one of the values
    uint64_t values = 0;   ///< different ones among the new series, estimated to about 6.5 %
    uint64_t created = 0;  ///< new series with the label
  };

  int64_t span_ms = 0;
  uint64_t created = 0;
  list metrics, jobs, targets, pairs;
  std::vector<label_entry> labels_of_metrics, label_names;  ///< most values first
};
using growth_report = std::vector<growth_window>;

}  // namespace troupe
