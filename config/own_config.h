// Blocks of --troupe.config.file beside its flags: stages that Prometheus' file has no keys for.
// Plain data.
#pragma once

#include "config/aggregation_config.h"
#include "config/federation_config.h"
#include "config/global_view_config.h"
#include "config/kafka_config.h"
#include "config/region_config.h"
#include "config/series_budget_config.h"

#include <span>
#include <string_view>
#include <vector>

namespace troupe::config {

struct own_config {
  std::vector<federation_config> federation;
  std::vector<aggregation_config> stream_aggregation;
  std::vector<series_budget_config> series_budgets;
  std::vector<kafka_config> kafka;
  std::vector<publish_config> publish;
  std::vector<consume_config> consume;
  own_region_config region;
  std::vector<region_config> regions;
  std::vector<global_view_config> global_view;

  bool operator==(const own_config&) const = default;
};

/// The names of the blocks; every other key of the file is a flag.
std::span<const std::string_view> own_block_names();

}  // namespace troupe::config
