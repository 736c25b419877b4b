// Which buckets a native histogram keeps: empty ones left out, a lower resolution. Pure functions
// on histograms that hold (histogram::validate()).
#pragma once

#include "storage/model/histogram.h"

#include <cstdint>

namespace troupe {

/// Leaves out empty buckets, as Prometheus' Compact does: runs of more than `most_empty` of them,
/// and those at either end; gaps of up to `most_empty` between spans are filled.
void compact(histogram& h, uint32_t most_empty = 0);

/// Merges exponential buckets until the schema is `schema`; nothing happens if it is not above
/// that, or of custom buckets.
void reduce_resolution(histogram& h, int32_t schema);

}  // namespace troupe
