// How many series groups of series may have: new ones above it are refused. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::config {

struct series_budget_config {
  std::string name;             ///< unique
  std::string match;            ///< selector of the series it concerns; "": all
  std::vector<std::string> by;  ///< series with the same values of these labels are a group
  uint64_t limit = 0;           ///< of each group

  bool operator==(const series_budget_config&) const = default;
};

}  // namespace troupe::config
