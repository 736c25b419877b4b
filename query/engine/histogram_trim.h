// The operators </ and >/ on native histograms: observations above or below a value cut off.
#pragma once

#include "storage/model/histogram.h"

namespace troupe::query {

/// `h` without its observations above (`upper`) or below `cutoff`, interpolated inside a bucket;
/// the sum is estimated from bucket midpoints.
histogram_ptr trimmed(const histogram& h, double cutoff, bool upper);

}  // namespace troupe::query
