// The counters of a door for samples, looked up once. Plain data; owned by the registry.
#pragma once

#include "storage/base/stats.h"

#include <array>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::api {

struct door_counters {
  std::vector<std::pair<std::string_view, counter*>> requests;  ///< by protocol
  std::array<counter*, 4> refused{};  ///< series, histograms, exemplars, metadata
};

}  // namespace troupe::api
