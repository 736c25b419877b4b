// The hash by which limit_ratio chooses series: XXH64 of Prometheus' encoding of the labels, so
// that both choose the same ones. Pure function.
#pragma once

#include "storage/model/labels.h"

namespace troupe::query {

/// In [0, 1], the same for equal labels everywhere.
double sampling_offset(const labels& metric);

}  // namespace troupe::query
