// Into which aligned ranges of time an import is cut: those that compaction would end with. Pure
// function.
#pragma once

#include "storage/base/result.h"
#include "storage/chunk/columns.h"

#include <cstdint>
#include <span>
#include <vector>

namespace troupe::storage {

struct import_range {
  timestamp_ms begin = 0;
  timestamp_ms end = 0;  ///< half open
  bool operator==(const import_range&) const = default;
};

/// Ascending, disjoint; only those in which an extent lies. A range is the largest of
/// `widths` (ascending, each a multiple of the one before) that ends before the newest sample, else
/// smaller ones. out_of_bounds if an extent is longer than 200 years.
result<std::vector<import_range>> plan_import(std::span<const time_interval> extents,
                                              std::span<const int64_t> widths);

}  // namespace troupe::storage
