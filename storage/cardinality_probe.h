// What /metrics shows of budgets and growth of series: a few series each, whatever there is.
#pragma once

#include "storage/base/stats.h"
#include "storage/head/series_growth.h"
#include "storage/series_budgets.h"

#include <memory>

namespace troupe::storage {

/// The families keep both alive.
void show_cardinality(registry& metrics, const std::shared_ptr<const series_budgets>& budgets,
                      const std::shared_ptr<series_growth>& growth);

}  // namespace troupe::storage
