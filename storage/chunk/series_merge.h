// Several sources of series as one. Any thread; the set is owned by one.
#pragma once

#include "storage/querier.h"

#include <memory>
#include <vector>

namespace troupe::storage {

/// A series_set over several, each in label order: equal label sets become one series whose samples
/// merge_columns() decides.
std::unique_ptr<series_set> merge_series(std::vector<std::unique_ptr<series_set>> sources);

}  // namespace troupe::storage
